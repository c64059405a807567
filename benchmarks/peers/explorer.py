"""Whether Model Explorer takes what `narrow compare --model-explorer` writes: explorer.py QUANT.tflite NODE_DATA.json

Reads the model with Model Explorer's own adapter and the data with its own classes, and looks for every key of a result among
the names of the tensors that nodes write, which is what the viewer matches them by. Exit code 1 if one is not there, or a graph
is not. Needs `pip install ai-edge-model-explorer`, in an environment of its own."""
import argparse
import json
import sys

from model_explorer.builtin_tflite_flatbuffer_adapter import BuiltinTfliteFlatbufferAdapter
from model_explorer.node_data_builder import GraphNodeData, ModelNodeData, NodeDataResult, ThresholdItem


def read(data):
    """As its own classes, which refuse keys that they do not know."""
    return {name: GraphNodeData(results={key: NodeDataResult(**value) for key, value in graph["results"].items()},
                                thresholds=[ThresholdItem(**item) for item in graph["thresholds"]],
                                **{key: value for key, value in graph.items() if key not in ("results", "thresholds")})
            for name, graph in data.items()}


def written(graph):
    return {pair["value"] for node in graph["nodes"] for output in node.get("outputsMetadata") or []
            for pair in output["attrs"] if pair["key"] == "tensor_name"}


def main(args):
    graphs = {graph["id"]: graph for collection in BuiltinTfliteFlatbufferAdapter().convert(args.model, {})["graphCollections"]
              for graph in collection.graphs}
    with open(args.data) as f:
        document = json.load(f)
    given = read(document)
    if json.loads(ModelNodeData(given).to_json_string()) != {
            name: json.loads(graph.to_json_string()) for name, graph in given.items()}:
        sys.exit("written again it is another document")
    lost = 0
    for name, data in given.items():
        known = written(graphs[name]) if name in graphs else set()
        missing = sorted(set(data.results) - known)
        lost += len(missing) + (name not in graphs)
        print("%s: %d results, %d of them on a node%s" % (
            name if name in graphs else name + " (no such graph)", len(data.results), len(data.results) - len(missing),
            "".join("; not %s" % key for key in missing[:3])))
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the quantized model")
    parser.add_argument("data", help="what compare has written")
    main(parser.parse_args())
