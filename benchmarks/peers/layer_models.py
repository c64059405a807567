"""Small models of every kind of layer and option, for layers.py: a name and a function that makes the model.

What Keras 2 has as well is written so that the same line makes it there; `THREE` names the models that only Keras 3 has."""
import numpy as np


def models(keras):
    """{name: function} for Keras 3 (`keras`) or Keras 2 (`tf_keras`), whichever is given."""
    L, Input, Model, Sequential = keras.layers, keras.Input, keras.Model, keras.Sequential
    three = keras.__version__.startswith("3")

    def chain(shape, *layers, **options):
        x = given = Input(shape, **options)
        for layer in layers:
            x = layer(x)
        return Model(given, x)

    def pair(first, second, layer, **arguments):
        a, b = Input(first), Input(second)
        return Model([a, b], layer([a, b], **arguments))

    def one(shape, function, **options):
        a = Input(shape, **options)
        return Model(a, function(a))

    def two(first, second, function):
        a, b = Input(first), Input(second)
        return Model([a, b], function(a, b))

    def built(model, shape):
        model.build(shape)
        return model

    first = {"data_format": "channels_first"}
    images, volumes, steps = (9, 10, 4), (6, 7, 8, 2), (12, 4)
    made = {}

    # Convolutions.
    for padding in ("valid", "same"):
        made["conv1d_" + padding] = lambda p=padding: chain((20, 4), L.Conv1D(6, 3, padding=p, strides=2, activation="relu"),
                                                            L.Conv1D(4, 3, padding=p, dilation_rate=2, groups=2, use_bias=False))
        made["conv2d_" + padding] = lambda p=padding: chain((15, 16, 4), L.Conv2D(8, 3, groups=2, strides=2, padding=p), L.BatchNormalization(),
                                                            L.Conv2D(6, (3, 2), dilation_rate=2, activation="tanh", padding=p),
                                                            L.Conv2D(4, 1, use_bias=False))
        made["conv3d_" + padding] = lambda p=padding: chain(volumes, L.Conv3D(4, 3, strides=(1, 2, 1), padding=p, activation="relu"),
                                                            L.BatchNormalization(), L.Conv3D(4, 2, padding=p, use_bias=False))
        made["depthwise2d_" + padding] = lambda p=padding: chain(images, L.DepthwiseConv2D(3, depth_multiplier=2, padding=p),
                                                                 L.BatchNormalization(), L.ReLU(6), L.DepthwiseConv2D(3, strides=2, padding=p))
        made["depthwise1d_" + padding] = lambda p=padding: chain(steps, L.DepthwiseConv1D(3, padding=p, depth_multiplier=2),
                                                                 L.DepthwiseConv1D(3, strides=2, padding=p, use_bias=False))
        made["separable2d_" + padding] = lambda p=padding: chain(images, L.SeparableConv2D(5, 3, strides=2, padding=p), L.BatchNormalization(),
                                                                 L.SeparableConv2D(5, 2, depth_multiplier=2, use_bias=False, padding=p))
        made["separable1d_" + padding] = lambda p=padding: chain(steps, L.SeparableConv1D(5, 3, strides=2, padding=p, activation="relu"),
                                                                 L.SeparableConv1D(5, 3, dilation_rate=2, padding="same"))
        for stride, kernel in ((1, 3), (2, 3), (3, 2), (2, 4)):
            made["transposed2d_%s_%d_%d" % (padding, stride, kernel)] = lambda p=padding, s=stride, k=kernel: chain(
                (5, 6, 3), L.Conv2DTranspose(4, k, strides=s, padding=p), L.BatchNormalization(), L.ReLU())
        made["transposed2d_more_" + padding] = lambda p=padding: chain((3, 4, 3), L.Conv2DTranspose(4, 3, strides=2, padding=p, output_padding=1),
                                                                       L.Conv2DTranspose(2, (4, 5), strides=3, padding=p, output_padding=(2, 1)))
        made["transposed1d_" + padding] = lambda p=padding: chain((5, 3), L.Conv1DTranspose(4, 3, strides=2, padding=p, use_bias=False),
                                                                  L.Conv1DTranspose(4, 4, padding=p, activation="relu"))
        made["transposed3d_" + padding] = lambda p=padding: chain((2, 3, 2, 2), L.Conv3DTranspose(3, 3, strides=(2, 1, 2), padding=p),
                                                                  L.Conv3DTranspose(2, 2, strides=2, padding=p, use_bias=False, activation="relu"))
    made["transposed1d_more"] = lambda: chain((5, 3), L.Conv1DTranspose(4, 3, strides=2, padding="same", output_padding=1))
    made["conv1d_causal"] = lambda: chain((20, 3), L.Conv1D(4, 3, padding="causal", dilation_rate=2), L.Conv1D(4, 3, padding="causal"))
    made["conv3d_dilated"] = lambda: chain(volumes, L.Conv3D(4, 2, dilation_rate=2))
    made["conv3d_grouped"] = lambda: chain((4, 5, 6, 4), L.Conv3D(6, 2, groups=2), L.Conv3D(6, 2, groups=3, use_bias=False, padding="same"))
    made["depthwise2d_dilated"] = lambda: chain(images, L.DepthwiseConv2D(3, dilation_rate=2, padding="same"), L.DepthwiseConv2D((2, 3)))
    made["padded"] = lambda: chain((12, 12, 3), L.ZeroPadding2D(((0, 1), (0, 1))), L.Conv2D(4, 3, strides=2), L.ZeroPadding2D(1), L.Conv2D(4, 3))
    made["first_conv"] = lambda: chain((4, 9, 10), L.Conv2D(6, 3, padding="same", **first), L.BatchNormalization(axis=1), L.ReLU(),
                                       L.MaxPooling2D(2, **first), L.DepthwiseConv2D(3, **first), L.Flatten(**first), L.Dense(3))
    made["first_more"] = lambda: chain((3, 9, 10), L.ZeroPadding2D(1, **first), L.UpSampling2D(2, **first), L.Cropping2D(1, **first),
                                       L.AveragePooling2D(2, padding="same", **first), L.SeparableConv2D(4, 3, **first),
                                       L.Conv2DTranspose(3, 2, strides=2, **first), L.GlobalAveragePooling2D(keepdims=True, **first))
    made["first_1d"] = lambda: chain((4, 12), L.Conv1D(6, 3, **first), L.MaxPooling1D(2, **first), L.AveragePooling1D(2, **first))
    made["first_3d"] = lambda: chain((2, 6, 7, 8), L.MaxPooling3D(2, **first), L.UpSampling3D(2, **first), L.ZeroPadding3D(1, **first),
                                     L.GlobalMaxPooling3D(**first))

    # Pooling.
    for padding in ("valid", "same"):
        made["pool_" + padding] = lambda p=padding: one(images, lambda x: [
            L.MaxPooling2D(3, 2, padding=p)(x), L.AveragePooling2D(3, 1, padding=p)(x), L.AveragePooling2D((2, 3), padding=p)(x)])
        made["pool1d_" + padding] = lambda p=padding: one(steps, lambda x: [
            L.MaxPooling1D(3, 2, padding=p)(x), L.AveragePooling1D(3, 1, padding=p)(x), L.MaxPooling1D(padding=p)(x)])
        made["pool3d_" + padding] = lambda p=padding: one(volumes, lambda x: [
            L.MaxPooling3D(3, 2, padding=p)(x), L.AveragePooling3D((3, 2, 2), 1, padding=p)(x)])
    made["global"] = lambda: one(images, lambda x: [L.GlobalMaxPooling2D()(x), L.GlobalAveragePooling2D(keepdims=True)(x)])
    made["global1d"] = lambda: one(steps, lambda x: [L.GlobalMaxPooling1D(keepdims=True)(x), L.GlobalAveragePooling1D()(x)])
    made["global3d"] = lambda: one(volumes, lambda x: [L.GlobalMaxPooling3D()(x), L.GlobalAveragePooling3D(keepdims=True)(x)])
    made["masked_mean"] = lambda: chain((7,), L.Embedding(11, 5, mask_zero=True), L.GlobalAveragePooling1D(), dtype="int32")

    # Shapes.
    made["resize2d"] = lambda: chain((5, 6, 2), L.ZeroPadding2D(((1, 2), (0, 3))), L.Cropping2D(((2, 1), (1, 1))), L.UpSampling2D((2, 3)),
                                     L.UpSampling2D(2, interpolation="bilinear"))
    made["resize1d"] = lambda: chain((9, 3), L.ZeroPadding1D((1, 2)), L.Cropping1D(1), L.UpSampling1D(2), L.ZeroPadding1D(1), L.Cropping1D((0, 2)))
    made["resize3d"] = lambda: chain((3, 4, 5, 2), L.ZeroPadding3D(1), L.Cropping3D(((1, 0), (0, 1), (1, 1))), L.UpSampling3D((2, 1, 2)))
    for kind in ("bicubic", "lanczos3", "lanczos5", "area"):
        made["upsampled_" + kind] = lambda k=kind: chain((5, 6, 2), L.UpSampling2D((2, 3), interpolation=k))
        made["resized_" + kind] = lambda k=kind: one((11, 9, 2), lambda x: [L.Resizing(7, 13, interpolation=k)(x), L.Resizing(4, 5, interpolation=k)(x)])
    made["resized"] = lambda: one((11, 9, 2), lambda x: [L.Resizing(7, 13)(x), L.Resizing(5, 5, interpolation="nearest")(x)])
    made["aspect"] = lambda: one((11, 8, 2), lambda x: [L.Resizing(5, 7, crop_to_aspect_ratio=True)(x), L.Resizing(7, 5, crop_to_aspect_ratio=True)(x)])
    made["center"] = lambda: one((11, 9, 2), lambda x: [L.CenterCrop(6, 7)(x), L.CenterCrop(13, 7)(x)])
    made["shape"] = lambda: chain((4, 6), L.Permute((2, 1)), L.Reshape((3, -1)), L.Flatten(), L.RepeatVector(3))
    made["permuted"] = lambda: chain((3, 4, 5), L.Permute((3, 1, 2)), L.Reshape((-1,)), L.Reshape((5, 12, 1)))

    # Normalization.
    made["layer_normal"] = lambda: chain((4, 4, 8), L.LayerNormalization(), L.LayerNormalization(axis=[1, 2]), L.LayerNormalization(axis=(2, 3)),
                                         L.LayerNormalization(axis=1, center=False), L.LayerNormalization(scale=False, epsilon=.1))
    made["group_normal"] = lambda: chain((4, 4, 8), L.GroupNormalization(4), L.GroupNormalization(2, axis=1), L.GroupNormalization(-1, scale=False),
                                         L.GroupNormalization(8, center=False))
    made["unit_normal"] = lambda: one((3, 4, 5), lambda x: [L.UnitNormalization()(x), L.UnitNormalization(axis=(1, 2))(x)])
    made["batch_axis"] = lambda: chain((4, 6), L.BatchNormalization(axis=1), L.BatchNormalization(scale=False), L.BatchNormalization(center=False))
    made["batch_before"] = lambda: chain((8, 8, 3), L.BatchNormalization(), L.Conv2D(4, 3), L.Flatten(), L.BatchNormalization(), L.Dense(3))
    made["batch_dense"] = lambda: chain((8,), L.Dense(6, use_bias=False), L.BatchNormalization(), L.Activation("relu"), L.Dense(4), L.BatchNormalization())
    made["rescaled"] = lambda: chain((8, 8, 3), L.Rescaling(1 / 127.5, offset=-1), L.Rescaling([1., 2., 3.], offset=[.1, .2, .3]))
    made["normalization"] = lambda: chain((8, 8, 3), L.Normalization(mean=[.1, .2, .3], variance=[1, 2, 3.]), L.Normalization(axis=None, mean=2., variance=3.))
    made["normalization_inverse"] = lambda: chain((8, 3), L.Normalization(mean=[.1, .2, .3], variance=[1, 2, 3.], invert=True))
    made["normalization_axes"] = lambda: chain((2, 3, 4), L.Normalization(axis=(1, 3)), L.Normalization(axis=2))
    made["spectral"] = lambda: chain((8, 8, 3), L.SpectralNormalization(L.Conv2D(4, 3)), L.SpectralNormalization(L.Dense(5)))
    made["noise"] = lambda: chain((4, 6), L.GaussianNoise(.1), L.GaussianDropout(.1), L.AlphaDropout(.1), L.SpatialDropout1D(.1), L.Dropout(.2),
                                  L.ActivityRegularization(.1), L.Dense(3))

    # Merging.
    for kind in "Add Subtract Multiply Average Maximum Minimum".split():
        made["merge_" + kind.lower()] = lambda k=kind: two((4, 5), (4, 5), lambda a, b: [getattr(L, k)()([a, b]), getattr(L, k)()([a, L.Dense(1)(b)])])
    made["merge_three"] = lambda: two((4, 5), (4, 5), lambda a, b: [L.Add()([a, b, a]), L.Average()([a, b, b]), L.Multiply()([b, a, a])])
    made["merge_ranks"] = lambda: two((4, 3, 5), (5,), lambda a, b: L.Add()([a, b]))
    made["concatenate"] = lambda: pair((4, 5), (3, 5), L.Concatenate(axis=1))
    made["concatenate_last"] = lambda: pair((4, 5), (4, 2), L.Concatenate())
    made["dot"] = lambda: pair((4, 5), (3, 5), L.Dot(axes=2))
    made["dot_axes"] = lambda: pair((4, 5), (5, 3), L.Dot(axes=(2, 1)))
    made["dot_first"] = lambda: pair((5, 4), (5, 3), L.Dot(axes=1))
    made["dot_vectors"] = lambda: pair((5,), (5,), L.Dot(axes=1, normalize=True))
    made["dot_mixed"] = lambda: pair((4, 5), (5,), L.Dot(axes=(2, 1), normalize=True))
    made["broadcast"] = lambda: pair((4, 4, 5), (1, 1, 5), L.Multiply())

    # Activations.
    names = "relu relu6 tanh sigmoid softmax elu selu softplus softsign gelu exponential leaky_relu hard_sigmoid swish linear mish".split()
    if three:
        names += ("celu glu hard_shrink hard_silu hard_swish hard_tanh log_sigmoid log_softmax silu soft_shrink sparse_plus sparse_sigmoid "
                  "sparsemax squareplus tanh_shrink").split()
    for name in names:
        made["activation_" + name] = lambda n=name: one((4, 6), lambda x: [L.Activation(n)(x * 4), L.Dense(6, activation=n)(x)])
    made["activation_layers"] = lambda: chain((4, 6), L.LeakyReLU(0.1), L.PReLU(alpha_initializer="random_normal"), L.ELU(0.7), L.ReLU(max_value=3),
                                              L.ReLU(negative_slope=.1, max_value=2.), L.Softmax(), L.Dense(3, activation="gelu"))
    made["relu_options"] = lambda: one((4, 6), lambda x: [L.ReLU(threshold=.3)(x), L.ReLU(threshold=.2, negative_slope=.5)(x), L.ReLU(max_value=.6, threshold=.1)(x),
                                                          L.ReLU(6.)(x), L.ReLU(negative_slope=.2)(x)])
    made["prelu_shared"] = lambda: chain((4, 5, 6), L.PReLU(shared_axes=[1, 2], alpha_initializer="random_normal"),
                                         L.PReLU(shared_axes=[3], alpha_initializer="random_normal"))
    made["softmax_axes"] = lambda: one((4, 5, 6), lambda x: [L.Softmax(axis=1)(x), L.Softmax(axis=-2)(x), L.Softmax(axis=[1, 3])(x)])
    made["layer_as_activation"] = lambda: chain((4, 6), L.Dense(4, activation=L.LeakyReLU(.2)), L.Activation(L.ReLU(6.)), L.Conv1D(3, 2, activation=L.ELU(.5)))

    # Embedding, dense.
    made["embedding"] = lambda: chain((7,), L.Embedding(11, 5), L.Flatten(), L.Dense(3))
    made["embedding_int"] = lambda: chain((7,), L.Embedding(11, 5), L.Conv1D(3, 2), dtype="int64")
    made["dense"] = lambda: one((3, 4, 6), lambda x: [L.Dense(5)(x), L.Dense(2, use_bias=False, activation="sigmoid")(L.Flatten()(x))])
    made["einsum"] = lambda: one((6, 8), lambda x: [L.EinsumDense("abc,cde->abde", (None, 2, 4), bias_axes="de")(x), L.EinsumDense("abc,bd->adc", (5, 8), bias_axes="d")(x),
                                                    L.EinsumDense("...x,xy->...y", 3, activation="relu")(x), L.EinsumDense("abc,dc->adb", (3, 6))(x)])

    # Recurrent.
    for kind in "SimpleRNN LSTM GRU".split():
        R, low = getattr(L, kind), kind.lower()
        made[low] = lambda R=R: chain((7, 5), R(6, return_sequences=True), R(4))
        made[low + "_backwards"] = lambda R=R: chain((7, 5), R(6, return_sequences=True, go_backwards=True), R(4, go_backwards=True))
        made[low + "_state"] = lambda R=R: one((7, 5), lambda x: R(4, return_state=True, return_sequences=True)(x))
        made[low + "_last_state"] = lambda R=R: one((7, 5), lambda x: R(4, return_state=True)(x))
        made[low + "_no_bias"] = lambda R=R: chain((7, 5), R(4, use_bias=False), L.Dense(3))
        made[low + "_relu"] = lambda R=R: chain((7, 5), R(4, activation="relu"))
        made[low + "_softsign"] = lambda R=R: chain((7, 5), R(4, activation="softsign", return_sequences=True))
        made[low + "_masked"] = lambda R=R: chain((7,), L.Embedding(11, 5, mask_zero=True), R(6, return_sequences=True), R(4), dtype="int32")
        made[low + "_masking"] = lambda R=R: chain((7, 1), L.Masking(0.), R(6, return_sequences=True, go_backwards=True), L.Dense(3), R(4), L.Dense(2))
        made[low + "_initial"] = lambda R=R: two((7, 5), (4,), lambda x, s: R(4)(x, initial_state=[s] * (2 if R is L.LSTM else 1)))
        made[low + "_unrolled"] = lambda R=R: chain((5, 3), R(4, unroll=True))
        made["bidirectional_" + low] = lambda R=R: chain((7, 5), L.Bidirectional(R(6, return_sequences=True)), L.Bidirectional(R(4), merge_mode="sum"))
        made["bidirectional_%s_masked" % low] = lambda R=R: chain((7,), L.Embedding(11, 5, mask_zero=True), L.Bidirectional(R(6, return_sequences=True)),
                                                                  L.Bidirectional(R(4)), dtype="int32")
        made["bidirectional_%s_state" % low] = lambda R=R: one((7, 5), lambda x: L.Bidirectional(R(3, return_state=True, return_sequences=True))(x))
        made["cell_" + low] = lambda k=kind: chain((7, 5), L.RNN(getattr(L, k + "Cell")(4), return_sequences=True), L.RNN(getattr(L, k + "Cell")(3)))
        made["stateful_" + low] = lambda R=R: one(None, lambda x: R(4, stateful=True)(x), batch_shape=(2, 7, 5))
    made["lstm_sigmoid"] = lambda: chain((7, 5), L.LSTM(4, recurrent_activation="hard_sigmoid"), L.Dense(2))
    made["gru_before"] = lambda: chain((7, 5), L.GRU(6, return_sequences=True, reset_after=False), L.GRU(4, reset_after=False, use_bias=False, recurrent_activation="hard_sigmoid"))
    made["stacked_cells"] = lambda: chain((7, 5), L.RNN([L.LSTMCell(4), L.GRUCell(3), L.SimpleRNNCell(2), L.LSTMCell(4)], return_sequences=True))
    made["stacked_state"] = lambda: one((7, 5), lambda x: L.RNN([L.LSTMCell(4), L.GRUCell(3)], return_state=True)(x))
    for mode in ("mul", "ave", "concat", None):
        made["bidirectional_%s" % mode] = lambda m=mode: one((7, 5), lambda x: L.Bidirectional(L.GRU(4, return_sequences=True), merge_mode=m)(x))
    made["bidirectional_other"] = lambda: chain((7, 5), L.Bidirectional(L.LSTM(4), backward_layer=L.GRU(3, go_backwards=True)))
    made["bidirectional_initial"] = lambda: two((7, 5), (4,), lambda x, s: L.Bidirectional(L.GRU(4))(x, initial_state=[s, s]))
    made["seq2seq"] = lambda: two((7, 5), (6, 3), lambda a, b: L.LSTM(4, return_sequences=True)(b, initial_state=L.LSTM(4, return_state=True)(a)[1:]))
    made["convlstm2d"] = lambda: chain((4, 6, 7, 2), L.ConvLSTM2D(3, 3, padding="same", return_sequences=True), L.ConvLSTM2D(2, (2, 3), strides=2))
    made["convlstm2d_state"] = lambda: one((4, 6, 7, 2), lambda x: L.ConvLSTM2D(3, 2, return_state=True, use_bias=False, dilation_rate=2)(x))
    made["convlstm1d"] = lambda: chain((4, 9, 2), L.ConvLSTM1D(3, 3, return_sequences=True, go_backwards=True, recurrent_activation="hard_sigmoid"),
                                       L.ConvLSTM1D(2, 2, padding="same", strides=2))
    made["convlstm3d"] = lambda: chain((3, 4, 5, 6, 2), L.ConvLSTM3D(2, 2, padding="same"))
    made["time_distributed"] = lambda: chain((5, 8, 8, 3), L.TimeDistributed(L.Conv2D(4, 3)), L.TimeDistributed(L.BatchNormalization()),
                                             L.TimeDistributed(L.Flatten()), L.TimeDistributed(L.Dense(3)))
    made["time_model"] = lambda: chain((5, 8, 8, 3), L.TimeDistributed(Sequential([Input((8, 8, 3)), L.Conv2D(4, 3, name="c"), L.Flatten(), L.Dense(3, name="d")])), L.LSTM(4))
    made["time_lstm"] = lambda: chain((3, 5, 4), L.TimeDistributed(L.GRU(3)), L.GRU(2))

    # Attention.
    made["heads"] = lambda: one((6, 8), lambda x: L.MultiHeadAttention(2, 4)(x, x))
    made["heads_options"] = lambda: two((6, 8), (5, 7), lambda a, b: L.MultiHeadAttention(3, 4, value_dim=5, use_bias=False, output_shape=9)(a, b, key=b))
    made["heads_scores"] = lambda: two((6, 8), (5, 8), lambda a, b: L.MultiHeadAttention(2, 4)(query=a, value=b, return_attention_scores=True))
    made["heads_causal"] = lambda: one((6, 8), lambda x: L.MultiHeadAttention(2, 4, dropout=.1)(x, x, use_causal_mask=True))
    made["heads_mask"] = lambda: two((6, 8), (6, 6), lambda x, m: L.MultiHeadAttention(2, 4)(x, x, attention_mask=m > -2.))
    made["heads_axes"] = lambda: one((3, 4, 8), lambda x: [L.MultiHeadAttention(2, 4, attention_axes=(2,))(x, x), L.MultiHeadAttention(2, 4, attention_axes=(1,))(x, x),
                                                           L.MultiHeadAttention(2, 4)(x, x)])
    made["heads_shape"] = lambda: one((6, 8), lambda x: L.MultiHeadAttention(2, 4, output_shape=(3, 5))(x, x))
    made["heads_masked"] = lambda: one((7,), lambda x: (lambda e: L.MultiHeadAttention(2, 4)(L.Embedding(11, 6)(x), e))(L.Embedding(11, 6, mask_zero=True)(x)), dtype="int32")
    made["attention"] = lambda: pair((6, 8), (5, 8), L.Attention())
    made["attention_scaled"] = lambda: two((6, 8), (5, 8), lambda a, b: L.Attention(use_scale=True)([a, b, b], use_causal_mask=True, return_attention_scores=True))
    made["attention_concat"] = lambda: two((6, 8), (5, 8), lambda a, b: [L.Attention(score_mode="concat")([a, b]), L.Attention(score_mode="concat", use_scale=True)([a, b])])
    made["attention_masked"] = lambda: one((7,), lambda x: (lambda e: L.Attention()([e, e]))(L.Embedding(11, 6, mask_zero=True)(x)), dtype="int32")
    made["additive"] = lambda: two((6, 8), (5, 8), lambda a, b: [L.AdditiveAttention()([a, b]), L.AdditiveAttention(use_scale=False)([a, b])])

    # Masks.
    made["masks_merged"] = lambda: one((7,), lambda x: L.GRU(3)(L.Add()([L.Embedding(11, 5, mask_zero=True)(x), L.Embedding(11, 5, mask_zero=True)(x)])), dtype="int32")
    made["masks_joined"] = lambda: one((7,), lambda x: L.GRU(3)(L.Concatenate(axis=1)([L.Embedding(11, 5, mask_zero=True)(x), L.Embedding(11, 5)(x)])), dtype="int32")
    made["masks_beside"] = lambda: one((7,), lambda x: L.GRU(3)(L.Concatenate()([L.Embedding(11, 5, mask_zero=True)(x), L.Embedding(11, 4, mask_zero=True)(x)])), dtype="int32")
    made["masking_value"] = lambda: chain((7, 1), L.Masking(-1.), L.LSTM(4), L.Dense(2))
    made["masking_idle"] = lambda: chain((7, 5), L.Masking(0.), L.Conv1D(3, 2), L.LSTM(4))
    made["masking_bare"] = lambda: chain((7, 1), L.Masking(1.), L.Flatten(), L.Dense(2))

    # Models.
    def shared():
        a, b, conv = Input((8, 8, 3), name="a"), Input((8, 8, 3), name="b"), L.Conv2D(4, 3, name="shared")
        x, y = conv(a), conv(b)
        return Model([a, b], [L.GlobalAveragePooling2D(name="mean")(L.Add()([x, y])), L.Flatten(name="flat")(x)])

    def twins():
        inner, a, b = chain((6,), L.Dense(4, activation="relu")), Input((6,)), Input((6,))
        return Model([a, b], L.Subtract()([inner(a), inner(b)]))

    def deep():
        inner = chain((6,), L.Dense(4), L.BatchNormalization())
        middle = Sequential([Input((6,)), L.Dense(6), inner, L.Dense(5)], name="middle")
        a = Input((6,))
        return Model(a, L.Add()([middle(a), L.Dense(5)(middle(a))]))

    def several():
        a, b = Input((6,), name="left"), Input((5,), name="right")
        inner = Model([a, b], [L.Dense(4, name="up")(a), L.Add()([L.Dense(3)(a), L.Dense(3)(b)])], name="inner")
        c, d = Input((6,)), Input((5,))
        up, down = inner([c, d])
        return Model([c, d], [L.Concatenate()([up, down]), down])

    def tables():
        a, b = Input((6,), name="left"), Input((5,), name="right")
        inner = Model({"r": b, "l": a}, L.Concatenate()([L.Dense(4)(a), L.Dense(3)(b)]))
        c, d = Input((6,), name="c"), Input((5,), name="d")
        y = inner({"l": c, "r": d})
        return Model({"one": c, "two": d}, {"z": L.Dense(2, name="dz")(y), "y": L.Dense(3, name="dy")(y)})

    def teachable():
        """As Teachable Machine writes them: a chain of a chain of a whole image model and a chain of dense layers."""
        x = given = Input((16, 16, 3))
        for filters in (4, 6):
            x = L.ReLU(6.)(L.BatchNormalization()(L.DepthwiseConv2D(3, strides=2, padding="valid", use_bias=False)(L.ZeroPadding2D(((0, 1), (0, 1)))(x))))
            x = L.ReLU(6.)(L.BatchNormalization()(L.Conv2D(filters, 1, padding="same", use_bias=False)(x)))
        base = Model(given, x)
        feature = Sequential([base, L.GlobalAveragePooling2D()])
        head = Sequential([L.Dense(10, activation="relu"), L.Dense(3, use_bias=False, activation="softmax")])
        return built(Sequential([feature, head]), (None, 16, 16, 3))

    made.update(shared=shared, twins=twins, deep=deep, several=several, tables=tables, teachable=teachable)
    made["nested"] = lambda: built(Sequential([chain((8, 8, 3), L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU()), L.Flatten(),
                                               Sequential([L.Dense(5), L.Dense(3, activation="softmax")])]), (None, 8, 8, 3))
    made["no_input"] = lambda: built(Sequential([L.Dense(4), L.BatchNormalization(), L.Dense(2)]), (None, 7))
    made["same_output"] = lambda: one((6,), lambda x: [x, L.Dense(3)(x), L.Dropout(.1)(x)])
    made["augmented"] = lambda: built(Sequential([Sequential([L.RandomFlip("horizontal"), L.RandomRotation(.1), L.RandomZoom(.1), L.RandomContrast(.1),
                                                              L.RandomTranslation(.1, .1)]), L.Rescaling(1 / 255), L.Conv2D(4, 3), L.Flatten(), L.Dense(2)]), (None, 12, 12, 3))
    made["bytes"] = lambda: chain((8, 8, 3), L.Rescaling(1 / 255.), L.Conv2D(4, 3), dtype="uint8")
    made["operators"] = lambda: one((6, 8), lambda x: (x + 3.0) * 0.5 - x / 2.0 + (-x) ** 2.0 + 1. / (x + 5.) + (2. - x))
    made["sliced"] = lambda: one((6, 8), lambda x: [x[:, 1:4], x[:, 2], x[:, :, ::2], x[:, -2:, -1], x[..., :3], x[:, None, :, 1]])

    (three_only if three else two_only)(made, keras, chain, one, two)
    return made


def three_only(made, keras, chain, one, two):
    L, ops = keras.layers, keras.ops
    first = {"data_format": "channels_first"}
    for kind in ("Average", "Max"):
        made["adaptive_" + kind.lower()] = lambda k=kind: one((9, 10, 3), lambda x: [getattr(L, "Adaptive%sPooling2D" % k)(s)(x) for s in (3, (4, 5), (2, 7))])
        made["adaptive1d_" + kind.lower()] = lambda k=kind: one((12, 3), lambda x: [getattr(L, "Adaptive%sPooling1D" % k)(s)(x) for s in (3, 5)])
        made["adaptive3d_" + kind.lower()] = lambda k=kind: one((4, 5, 6, 2), lambda x: getattr(L, "Adaptive%sPooling3D" % k)((2, 3, 4))(x))
    made["root_normal"] = lambda: chain((3, 4, 5), L.RMSNormalization(), L.RMSNormalization(axis=(2, 3)), L.LayerNormalization(rms_scaling=True))
    made["padded_aspect"] = lambda: one((11, 8, 2), lambda x: [L.Resizing(5, 7, pad_to_aspect_ratio=True, fill_value=.5)(x), L.Resizing(9, 4, pad_to_aspect_ratio=True)(x)])
    for kind in ("bilinear", "bicubic", "lanczos3", "area"):
        made["smoothed_" + kind] = lambda k=kind: one((11, 9, 2), lambda x: [L.Resizing(5, 4, antialias=True, interpolation=k)(x), L.Resizing(14, 7, antialias=True, interpolation=k)(x)])
    made["grouped_heads"] = lambda: two((6, 8), (5, 8), lambda a, b: L.GroupQueryAttention(4, 6, 2)(a, b))
    made["grouped_heads_causal"] = lambda: one((6, 8), lambda x: L.GroupQueryAttention(4, 6, 2, use_bias=False)(x, x, use_causal_mask=True))
    made["heads_gated"] = lambda: one((6, 8), lambda x: L.MultiHeadAttention(3, 4, use_gate=True, sliding_window=2)(x, x))
    made["dilated_transposed"] = lambda: chain((5, 6, 3), L.Conv2DTranspose(4, 3, padding="valid"))
    made["convlstm_first"] = lambda: one((4, 2, 6, 7), lambda x: L.ConvLSTM2D(3, 2, return_state=True, **first)(L.ConvLSTM2D(2, 3, padding="same", return_sequences=True, **first)(x)))
    made["first_3d_conv"] = lambda: chain((2, 6, 7, 8), L.Conv3D(3, 2, **first), L.AveragePooling3D(2, **first))
    made["random_layers"] = lambda: one((12, 12, 3), lambda x: [L.RandomBrightness(.1)(x), L.RandomGrayscale(.5)(x), L.RandomHue(.1)(x), L.RandomSaturation(.1)(x), L.RandomShear(.1)(x),
                                                                L.RandomSharpness(.1)(x), L.RandomInvert(.5)(x), L.RandomErasing(.5)(x), L.RandomPosterization(4)(x), L.RandomPerspective(.1)(x),
                                                                L.RandomGaussianBlur(.5)(x), L.RandomColorJitter()(x), L.RandomColorDegeneration(.1)(x), L.RandomElasticTransform(.5)(x), L.Identity()(x)])
    a = keras.activations
    made["parameters"] = lambda: one((4, 6), lambda x: [a.relu(x, negative_slope=.1, max_value=.5, threshold=.2), a.leaky_relu(x, .3), a.elu(x, .4), a.celu(x, .6), a.gelu(x, True), a.glu(x, 1),
                                                        a.hard_shrink(x, .2), a.soft_shrink(x, .2), a.squareplus(x, 3), a.threshold(x, .1, .7), a.softmax(x, 1), a.log_softmax(x, 1),
                                                        a.silu(x), a.selu(x), a.hard_sigmoid(x), a.hard_tanh(x), a.tanh(x), a.softsign(x),
                                                        a.softplus(x), a.sigmoid(x), a.exponential(x), a.log_sigmoid(x), a.tanh_shrink(x), a.sparse_plus(x), a.sparse_sigmoid(x)])
    made["ops_arithmetic"] = lambda: two((4, 6), (4, 6), lambda x, y: [
        ops.add(x, y), ops.subtract(1., x), ops.multiply(x, 2), ops.divide(x, y + 3.), ops.true_divide(1., y + 3.), ops.maximum(x, .1), ops.minimum(x, y), ops.power(x + 2., 2.),
        ops.square(x), ops.sqrt(x + 2.), ops.rsqrt(x + 2.), ops.abs(x), ops.exp(x), ops.log(x + 2.), ops.log1p(x), ops.expm1(x), ops.negative(x), ops.floor(x * 3.), ops.ceil(x * 3.),
        ops.round(x * 3.), ops.sign(x), ops.sin(x), ops.cos(x), ops.tanh(x), ops.sigmoid(x), ops.reciprocal(y + 3.), ops.floor_divide(x, .3), ops.mod(x, .3), ops.clip(x, -.2, .3),
        ops.where(x > y, x, y), ops.where(ops.logical_and(x > 0., y < .2), x, 0.), ops.cast(x > y, "float32"), ops.cast(ops.logical_or(x <= y, ops.logical_not(x >= 0.)), "float32"),
        ops.add(x, np.arange(6, dtype="float32"))])
    made["ops_reduced"] = lambda: one((4, 5, 6), lambda x: [ops.mean(x, -1), ops.mean(x, (1, 2), keepdims=True), ops.sum(x, 1), ops.max(x, -1), ops.amin(x, 2), ops.prod(x, 1), ops.var(x, -1),
                                                            ops.std(x, (1, 3), keepdims=True), ops.logsumexp(x, -1), ops.normalize(x, -1), ops.cast(ops.argmax(x, -1), "float32"), ops.cast(ops.argmin(x, 1), "float32"),
                                                            ops.cast(ops.any(x > .9, -1), "float32"), ops.cast(ops.all(x > -.9, 1), "float32")])
    made["ops_shape"] = lambda: one((4, 6), lambda x: [ops.reshape(x, (-1, 3, 8)), ops.transpose(x, (0, 2, 1)), ops.expand_dims(x, 1), ops.squeeze(ops.expand_dims(x, -1), -1), ops.concatenate([x, x], 1),
                                                       ops.stack([x, x * 2.], 1), ops.tile(x, (1, 2, 3)), ops.repeat(x, 3, axis=1), ops.flip(x, 1), ops.roll(x, 2, 1), ops.swapaxes(x, 1, 2), ops.moveaxis(x, 1, -1),
                                                       ops.pad(x, ((0, 0), (1, 2), (0, 1))), ops.pad(x, ((0, 0), (1, 2), (3, 0)), "reflect"), *ops.split(x, 2, 1), *ops.split(x, [1, 3], 2), *ops.unstack(x, axis=1),
                                                       ops.take(x, np.array([0, 2]), 1), ops.zeros_like(x), ops.ones_like(x)])
    made["ops_matrix"] = lambda: two((4, 6), (6, 5), lambda x, y: [ops.matmul(x, y), ops.einsum("bij,bjk->bik", x, y), ops.einsum("bij,bjk->bki", x, y), ops.one_hot(ops.argmax(x, -1), 6)])
    made["ops_image"] = lambda: one((8, 6, 8), lambda x: [ops.image.resize(x, (5, 9)), ops.image.resize(x, (5, 9), "nearest"), ops.max_pool(x, 2), ops.average_pool(x, 2, 1, "same"),
                                                          ops.depth_to_space(x, 2), ops.space_to_depth(x, 2)])


def two_only(made, keras, chain, one, two):
    import tensorflow as tf
    L = keras.layers
    made["thresholded"] = lambda: chain((4, 6), L.ThresholdedReLU(.3))
    made["named/with/slashes"] = lambda: chain((8, 8, 3), L.Conv2D(4, 3, name="block/conv"), L.BatchNormalization(name="block/bn"), L.Dense(2, name="a/b/c"))
    made["time_major"] = lambda: keras.Model(*(lambda x: (x, [L.LSTM(4, time_major=True, return_sequences=True)(x), L.GRU(4, time_major=True)(x)]))(keras.Input(batch_shape=(2, 3, 5))))
    made["tf_arithmetic"] = lambda: two((4, 6), (4, 6), lambda x, y: [
        tf.add(x, y), 1. - x, x * 2., x / (y + 3.), 1. / (y + 3.), tf.maximum(x, .1), tf.minimum(x, y), tf.pow(x + 2., 2.), tf.square(x), tf.sqrt(x + 2.), tf.math.rsqrt(x + 2.), tf.abs(x), tf.exp(x),
        tf.math.log(x + 2.), -x, tf.sign(x), tf.sin(x), tf.cos(x), tf.tanh(x), tf.sigmoid(x), tf.clip_by_value(x, -.2, .3), tf.where(x > y, x, y), tf.cast(x > y, tf.float32),
        tf.math.squared_difference(x, y), x + np.arange(6, dtype="float32"), tf.nn.relu(x), tf.nn.relu6(x * 9.), tf.nn.leaky_relu(x, alpha=.3), tf.nn.gelu(x, approximate=True), tf.nn.gelu(x), tf.nn.silu(x),
        tf.nn.softmax(x, axis=1), tf.nn.elu(x), tf.math.l2_normalize(x, axis=-1), tf.math.softplus(x)])
    made["tf_reduced"] = lambda: one((4, 5, 6), lambda x: [tf.reduce_mean(x, -1), tf.reduce_mean(x, [1, 2], keepdims=True), tf.reduce_sum(x, 1), tf.reduce_max(x, -1), tf.reduce_min(x, 2),
                                                           tf.math.reduce_variance(x, -1), tf.math.reduce_std(x, -1), tf.cast(tf.argmax(x, -1), tf.float32)])
    made["tf_shape"] = lambda: one((4, 6), lambda x: [tf.reshape(x, (-1, 3, 8)), tf.transpose(x, (0, 2, 1)), tf.expand_dims(x, 1), tf.squeeze(tf.expand_dims(x, -1), -1), tf.concat([x, x], 1), tf.stack([x, x * 2.], 1),
                                                      tf.tile(x, (1, 2, 3)), tf.reverse(x, [1]), tf.pad(x, ((0, 0), (1, 2), (0, 1))), *tf.split(x, 2, 1), *tf.split(x, [1, 3, 2], 2), *tf.unstack(x, axis=1), tf.gather(x, [0, 2], axis=1),
                                                      tf.linalg.matmul(x, x, transpose_b=True), tf.one_hot(tf.argmax(x, -1), 6), tf.zeros_like(x), tf.repeat(x, 3, axis=1)])
    made["tf_sizes"] = lambda: one((4, 6), lambda x: [tf.reshape(x, [tf.shape(x)[0], 24]), tf.reshape(x, [tf.shape(x)[0], tf.shape(x)[2], tf.shape(x)[1]])])
    made["tf_image"] = lambda: one((8, 6, 8), lambda x: [tf.image.resize(x, (5, 9)), tf.image.resize(x, (5, 9), method="nearest"), tf.nn.depth_to_space(x, 2), tf.nn.space_to_depth(x, 2)])
