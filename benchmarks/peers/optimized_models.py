"""Small models of tensorflow-model-optimization, briefly trained, for layers.py --optimized: a name and a function that makes the model.

They need the packages tf_keras and tensorflow-model-optimization (0.8.0)."""
import numpy as np


def models(keras):
    import tensorflow_model_optimization as tfmot
    L, Input, Model, Sequential = keras.layers, keras.Input, keras.Model, keras.Sequential
    quantization, pruning, clustering = tfmot.quantization.keras, tfmot.sparsity.keras, tfmot.clustering.keras
    from tensorflow_model_optimization.python.core.quantization.keras.experimental.default_n_bit import default_n_bit_quantize_scheme

    def chain(shape, *layers):
        x = given = Input(shape)
        for layer in layers:
            x = layer(x)
        return Model(given, x)

    def normalized(model):
        """Statistics and factors of batch normalization that a long training leaves, some of them negative."""
        random = np.random.default_rng(1)
        for layer in model._flatten_layers():
            if isinstance(layer, L.BatchNormalization):
                layer.set_weights([random.uniform(*limits, w.shape) for limits, w in
                                   zip(((-1.5, 1.5), (-.3, .3), (-.3, .3), (.3, 2)), layer.get_weights())])
        return model

    def trained(model, steps=3, callbacks=()):
        random = np.random.default_rng(0)
        model.compile(keras.optimizers.SGD(.05), "mse")
        x = [random.uniform(-1, 1, (16, *tensor.shape[1:])).astype("f") for tensor in model.inputs]
        y = [random.uniform(0, 1, (16, *tensor.shape[1:])).astype("f") for tensor in model.outputs]
        model.fit(x, y, epochs=steps, batch_size=8, verbose=0, callbacks=list(callbacks))
        return model

    def aware(model):
        return trained(quantization.quantize_model(normalized(model)))

    def some(model, *kinds):
        annotate = lambda layer: quantization.quantize_annotate_layer(layer) if isinstance(layer, kinds) else layer
        return trained(quantization.quantize_apply(keras.models.clone_model(normalized(model), clone_function=annotate)))

    def changed(model, change):
        for layer in model.layers:
            layer.set_weights([change(v.name.split("/")[-1], w) for w, v in zip(layer.get_weights(), layer.weights)])
        return model

    def grown(name, w):
        """As saved between two looks at the ranges: weights lie outside of them."""
        return w * 1.5 if name == "kernel:0" else w

    def dead(name, w):
        return w * (np.arange(w.shape[-1]) != 1) if name.startswith("kernel") and w.ndim % 3 == 1 else w

    def frozen(model):
        for layer in model.layers:
            layer.trainable = False
        return model

    def branches():
        a, b = Input((6, 6, 3)), Input((6, 6, 3))
        x, y = L.Conv2D(4, 3, padding="same", activation="relu")(a), L.Conv2D(4, 1)(b)
        return Model([a, b], [L.Dense(3, activation="softmax")(L.Flatten()(L.Add()([x, y]))), L.Concatenate()([x, y, a])])

    def nested():
        part = quantization.quantize_model(normalized(chain((6, 6, 4), L.Conv2D(5, 3), L.BatchNormalization(), L.ReLU())))
        other = quantization.quantize_model(chain((4, 4, 5), L.Conv2D(3, 3, activation="tanh")))
        given = Input((6, 6, 4))
        return trained(Model(given, L.Flatten()(other(part(given)))))

    made = {}
    made["qat_conv"] = lambda: aware(chain((9, 10, 3), L.Conv2D(6, 3, padding="same"), L.BatchNormalization(), L.ReLU(6.),
                                           L.Conv2D(4, 3, strides=2, use_bias=False, activation="relu"), L.Flatten(), L.Dense(3, activation="softmax")))
    made["qat_depthwise"] = lambda: aware(chain((9, 10, 4), L.DepthwiseConv2D(3, depth_multiplier=2), L.BatchNormalization(), L.ReLU(6.),
                                                L.DepthwiseConv2D(3, strides=2, activation="relu"), L.Flatten(), L.Dense(3)))
    made["qat_separable"] = lambda: aware(chain((9, 10, 4), L.SeparableConv2D(6, 3, padding="same", activation="relu"),
                                                L.SeparableConv2D(5, 2, depth_multiplier=2, use_bias=False), L.BatchNormalization(), L.Activation("relu"),
                                                L.GlobalAveragePooling2D(), L.Dense(3, activation="sigmoid")))
    made["qat_transposed"] = lambda: aware(chain((5, 6, 3), L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"),
                                                 L.Conv2DTranspose(2, 2), L.BatchNormalization(), L.ReLU()))
    made["qat_shapes"] = lambda: aware(chain((12, 12, 3), L.ZeroPadding2D(1), L.Conv2D(4, 3, strides=2), L.BatchNormalization(), L.LeakyReLU(),
                                             L.UpSampling2D(2), L.AveragePooling2D(2), L.MaxPooling2D(2), L.Reshape((3, 12)), L.Permute((2, 1)),
                                             L.Dense(2, activation="sigmoid")))
    made["qat_dense"] = lambda: aware(chain((8,), L.Dense(6), L.BatchNormalization(), L.ReLU(), L.Dropout(.2), L.Dense(4, activation="tanh"), L.Dense(3)))
    made["qat_activations"] = lambda: aware(chain((8,), L.Dense(6, activation="swish"), L.Dense(5, activation="gelu"), L.Activation("relu"),
                                                  L.Activation("tanh"), L.Dense(3, activation="softmax")))
    made["qat_sequential"] = lambda: aware(Sequential([L.Conv2D(4, 3, activation="relu", input_shape=(8, 8, 1)), L.MaxPooling2D(), L.Flatten(),
                                                       L.Dense(5), L.Softmax()]))
    made["qat_branches"] = lambda: aware(branches())
    made["qat_nested"] = nested
    made["qat_some"] = lambda: some(chain((8, 8, 3), L.BatchNormalization(), L.Conv2D(4, 3), L.BatchNormalization(), L.Conv2D(4, 3, activation="relu"),
                                          L.BatchNormalization(), L.Flatten(), L.Dense(3)), L.Dense, L.Conv2D)
    made["qat_grown"] = lambda: changed(aware(chain((8, 8, 3), L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(3))), grown)
    made["qat_frozen"] = lambda: aware(frozen(chain((8, 8, 3), L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU(), L.Flatten(), L.Dense(3))))
    made["qat_dead"] = lambda: changed(aware(chain((8, 8, 3), L.Conv2D(4, 3, use_bias=False), L.BatchNormalization(), L.ReLU(), L.Flatten(),
                                                   L.Dense(3))), dead)
    made["qat_n_bit"] = lambda: trained(quantization.quantize_apply(
        quantization.quantize_annotate_model(chain((8, 8, 3), L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(3))),
        scheme=default_n_bit_quantize_scheme.DefaultNBitQuantizeScheme(num_bits_weight=8, num_bits_activation=8)))
    made["annotated"] = lambda: trained(quantization.quantize_annotate_model(chain((8, 8, 3), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(),
                                                                                   L.Flatten(), L.Dense(3))))
    made["pruned"] = lambda: trained(pruning.prune_low_magnitude(
        chain((8, 8, 3), L.Conv2D(4, 3, activation="relu"), L.DepthwiseConv2D(3), L.BatchNormalization(), L.Flatten(), L.Dense(5, activation="softmax")),
        pruning_schedule=pruning.ConstantSparsity(.5, 0, frequency=1)), callbacks=[pruning.UpdatePruningStep()])
    return made
