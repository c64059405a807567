"""TensorFlow's converter as a command: converter.py MODEL OUT.tflite, for a model that Keras wrote (.h5, .keras)."""
import contextlib
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(model, out):
    import tensorflow as tf
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # it lists every variable
        data = tf.lite.TFLiteConverter.from_keras_model(tf.keras.models.load_model(model, compile=False)).convert()
    with open(out, "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
