#!/usr/bin/env python3
"""Writes tests/golden/keras.tflite and keras.json anew, or what is like them: `host/src/import/tflite/tests.rs` reads them.

    python3 tests/tflite_golden.py [FOLDER]

A small network of most kinds of layers, trained a little by Keras on noise of three brightnesses, converted by TensorFlow
with full int8 quantization; and the int8 logits (zero point taken off) that TensorFlow's reference kernels give for 40 of
the pictures, with the real value of a unit. Takes TensorFlow; it was written against 2.21. Training is not the same to
the bit everywhere, so neither are the files.
"""

import json
import pathlib
import sys

import numpy as np
import tensorflow as tf

SIDE = 12
PICTURES = 200


def picture(number):
    """The test computes the same pixels."""
    at = np.arange(SIDE * SIDE)
    noise = (at * at * (number + 1) + at * 13 + number * 57) // 8 % 256
    return (noise * (40 + number % 61) // 100).astype(np.uint8)


def network():
    layers = tf.keras.layers
    start = layers.Input((SIDE, SIDE, 1))
    x = layers.Conv2D(4, 3, padding="same", strides=2, use_bias=False)(start)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    branch = layers.ReLU(6.0)(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.ReLU()(layers.Add()([x, layers.Conv2D(4, 1)(branch)]))
    x = layers.Conv2D(6, 3, activation="relu")(layers.ZeroPadding2D(((1, 0), (1, 0)))(x))
    x = layers.AveragePooling2D(2, strides=1)(layers.MaxPooling2D(3, strides=2, padding="same")(x))
    x = layers.Dense(6, activation="relu")(layers.Flatten()(x))
    x = layers.Dense(5, activation="sigmoid")(x)
    return tf.keras.Model(start, layers.Dense(3, activation="softmax")(x))


def converted(model, inputs):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[None]] for one in inputs)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def logits(file):
    """The scale of the last dense layer's outputs, and its integers for 40 pictures."""
    interpreter = tf.lite.Interpreter(
        model_content=file,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    dense = [run for run in interpreter._get_ops_details() if run["op_name"] == "FULLY_CONNECTED"]
    last = dense[-1]["outputs"][0]
    (scale, zero_point), = [t["quantization"] for t in interpreter.get_tensor_details() if t["index"] == last]
    found = []
    for number in range(40):
        pixels = (picture(number).astype(np.int16) - 128).astype(np.int8)
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels.reshape(1, SIDE, SIDE, 1))
        interpreter.invoke()
        found.append([int(value) - int(zero_point) for value in interpreter.get_tensor(last)[0]])
    return float(scale), found


def main():
    golden = pathlib.Path(__file__).parent / "golden"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else golden
    tf.keras.utils.set_random_seed(5)
    inputs = np.stack([picture(number) for number in range(PICTURES)]).reshape(-1, SIDE, SIDE, 1) / np.float32(255)
    # From black to white, so that the input's scale is 1/255.
    inputs[0] = np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE, 1)
    classes = (np.arange(PICTURES) % 61 // 21).clip(0, 2)
    model = network()
    model.compile(tf.keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    model.fit(inputs, classes, epochs=15, verbose=0)
    file = converted(model, inputs.astype(np.float32))
    unit, found = logits(file)
    (folder / "keras.tflite").write_bytes(file)
    (folder / "keras.json").write_text(json.dumps({"unit": unit, "logits": found}) + "\n")


main()
