#!/usr/bin/env python3
"""The training that benches/training.rs measures, by hand in NumPy on one thread: the yardstick for Pinhole's own.

The default recipe: 2500 inputs, 128 and 16 sigmoid neurons and 2 logits; softmax cross-entropy; Adam as Keras has it;
400 epochs of one update with all 26 photos; a quarter of the first layer's outputs dropped. Written as fast as NumPy
lets it be: everything happens in buffers made beforehand, all parameters lie in one vector, constants are folded so
that Adam takes the fewest passes, and these go over pieces that stay in the processor's cache.

    python3 host/benches/numpy_training.py [FOLDER]

FOLDER holds at least 40 pictures of two classes (in it or below), named by class; 26 are trained on, 14 validate.
Reading them takes Pillow. Without a folder, noise of the same shape is used: the time does not depend on what the
photos show, and NumPy is enough.
"""

import os

# Before NumPy is imported: its libraries read these once.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import pathlib
import re
import statistics
import time

import numpy as np

SIDE, CLASSES = 50, 2
SIZES = (SIDE * SIDE, 128, 16, CLASSES)
TRAINING, VALIDATION = 26, 14
EPOCHS, RATE, DROPOUT = 400, 0.001, 0.25
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-7
# Parameters Adam works on at a time: with gradient, moments and a temporary, five times 4 bytes each. The fastest of
# 2^13 to 2^19 on the machine this was written on; 2^15 to 2^17 are within 2 % of it, the ends 10 to 20 % slower.
PIECE = 1 << 16


def photos(folder, random):
    """40 inputs as rows of floats in 0..1, and their classes."""
    count = TRAINING + VALIDATION
    if folder is None:
        return random.random((count, SIZES[0]), dtype=np.float32), np.arange(count) % CLASSES
    from PIL import Image, ImageOps

    endings = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
    # Backwards, so that of two folders, "train" and "test", the photos to train on come first.
    paths = sorted((path for path in pathlib.Path(folder).rglob("*") if path.suffix.lower() in endings), reverse=True)
    paths = paths[:count]
    names = [re.match(r"[^\W\d_]*", path.name)[0].lower() for path in paths]
    classes = sorted(set(names))
    if len(paths) < count or len(classes) != CLASSES:
        raise SystemExit(f"{folder}: {count} pictures of {CLASSES} classes are needed, named by class (muffin-1.jpg)")
    inputs = [
        np.asarray(ImageOps.fit(Image.open(path).convert("L"), (SIDE, SIDE), Image.Resampling.BOX), np.float32)
        for path in paths
    ]
    labels = np.array([classes.index(name) for name in names])
    return np.stack(inputs).reshape(count, -1) / np.float32(255), labels


class Training:
    """One training: parameters, moments and every buffer it needs."""

    def __init__(self, inputs, labels, random):
        self.random = random
        self.x, self.validation = (np.ascontiguousarray(part) for part in np.split(inputs, [TRAINING]))
        self.labels, self.validation_labels = np.split(labels, [TRAINING])
        self.target = np.eye(CLASSES, dtype=np.float32)[self.labels]
        pairs = list(zip(SIZES, SIZES[1:]))
        count = sum(rows * columns + columns for rows, columns in pairs)
        self.parameters, self.gradients, self.first, self.second = (np.zeros(count, np.float32) for _ in range(4))
        self.best = np.empty_like(self.parameters)
        self.scratch = np.empty(PIECE, np.float32)
        self.weights, self.biases = self.views(self.parameters, pairs)
        self.weight_gradients, self.bias_gradients = self.views(self.gradients, pairs)
        for weights in self.weights:
            limit = np.sqrt(6 / sum(weights.shape))
            weights[...] = random.uniform(-limit, limit, weights.shape)
        self.outputs = [np.empty((TRAINING, columns), np.float32) for columns in SIZES[1:]]
        self.validation_outputs = [np.empty((VALIDATION, columns), np.float32) for columns in SIZES[1:]]
        self.deltas = [np.empty_like(output) for output in self.outputs]
        self.slopes = [np.empty_like(output) for output in self.outputs]
        self.draws = np.empty_like(self.outputs[0])
        self.mask = np.empty_like(self.outputs[0])
        self.kept = np.empty(self.outputs[0].shape, bool)
        self.dropped = np.empty_like(self.outputs[0])
        self.step = 0

    @staticmethod
    def views(vector, pairs):
        """Weights and biases of every layer, as windows on one vector."""
        weights, biases, start = [], [], 0
        for rows, columns in pairs:
            weights.append(vector[start : start + rows * columns].reshape(rows, columns))
            start += rows * columns
            biases.append(vector[start : start + columns])
            start += columns
        return weights, biases

    def dense(self, layer, values, out):
        np.matmul(values, self.weights[layer], out=out)
        out += self.biases[layer]

    @staticmethod
    def sigmoid(values):
        np.negative(values, out=values)
        np.exp(values, out=values)
        values += np.float32(1)
        np.reciprocal(values, out=values)

    @staticmethod
    def softmax(logits):
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)

    def update(self):
        """One update with all training photos; returns the loss."""
        hidden1, hidden2, probabilities = self.outputs
        self.dense(0, self.x, hidden1)
        self.sigmoid(hidden1)
        self.random.random(out=self.draws, dtype=np.float32)
        np.greater_equal(self.draws, np.float32(DROPOUT), out=self.kept)
        np.multiply(self.kept, np.float32(1 / (1 - DROPOUT)), out=self.mask)
        np.multiply(hidden1, self.mask, out=self.dropped)
        self.dense(1, self.dropped, hidden2)
        self.sigmoid(hidden2)
        self.dense(2, hidden2, probabilities)
        self.softmax(probabilities)
        loss = -np.log(probabilities[np.arange(TRAINING), self.labels]).mean()

        delta1, delta2, delta3 = self.deltas
        np.subtract(probabilities, self.target, out=delta3)
        # The mean over photos, and with it the factor of Adam's first moment: then its update is a sum of two vectors.
        delta3 *= np.float32((1 - BETA1) / TRAINING)
        np.matmul(delta3, self.weights[2].T, out=delta2)
        self.through_sigmoid(1, hidden2)
        np.matmul(delta2, self.weights[1].T, out=delta1)
        delta1 *= self.mask
        self.through_sigmoid(0, hidden1)
        for layer, values in enumerate((self.x, self.dropped, hidden2)):
            np.matmul(values.T, self.deltas[layer], out=self.weight_gradients[layer])
            self.deltas[layer].sum(axis=0, out=self.bias_gradients[layer])
        self.adam()
        return loss

    def through_sigmoid(self, layer, outputs):
        slopes = self.slopes[layer]
        np.subtract(np.float32(1), outputs, out=slopes)
        slopes *= outputs
        self.deltas[layer] *= slopes

    def adam(self):
        """Adam's step. Gradients come scaled by 1 - beta1, so squares are (1 - beta1)^2 too large; `second` holds the
        second moment divided by `scale`, which the step size and epsilon take up."""
        self.step += 1
        scale = (1 - BETA2) / (1 - BETA1) ** 2
        correction = np.sqrt(1 - BETA2**self.step) / (1 - BETA1**self.step)
        size = np.float32(RATE * correction / np.sqrt(scale))
        epsilon = np.float32(EPSILON / np.sqrt(scale))
        beta1, beta2 = np.float32(BETA1), np.float32(BETA2)
        for start in range(0, self.parameters.size, PIECE):
            piece = slice(start, start + PIECE)
            gradients, first, second = self.gradients[piece], self.first[piece], self.second[piece]
            scratch = self.scratch[: gradients.size]
            first *= beta1
            first += gradients
            second *= beta2
            gradients *= gradients
            second += gradients
            np.sqrt(second, out=scratch)
            scratch += epsilon
            np.divide(first, scratch, out=scratch)
            scratch *= size
            self.parameters[piece] -= scratch

    def validate(self):
        """Loss on the validation photos."""
        hidden1, hidden2, probabilities = self.validation_outputs
        self.dense(0, self.validation, hidden1)
        self.sigmoid(hidden1)
        self.dense(1, hidden1, hidden2)
        self.sigmoid(hidden2)
        self.dense(2, hidden2, probabilities)
        self.softmax(probabilities)
        return -np.log(probabilities[np.arange(VALIDATION), self.validation_labels]).mean()

    def run(self, validating):
        """All epochs; with validation, the parameters of the best one are kept, as Pinhole does."""
        losses, best = [], np.inf
        for _ in range(EPOCHS):
            losses.append(self.update())
            if validating:
                loss = self.validate()
                if loss < best:
                    best = loss
                    self.best[...] = self.parameters
        return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", help="pictures to train on; noise if not given")
    folder = parser.parse_args().folder
    inputs, labels = photos(folder, np.random.default_rng(1))
    print(f"NumPy {np.__version__}, one thread, {'noise' if folder is None else folder}, {EPOCHS} epochs, 7 samples")
    for validating in (False, True):
        seconds = []
        for _ in range(7):
            training = Training(inputs, labels, np.random.default_rng(1))
            start = time.perf_counter()
            losses = training.run(validating)
            seconds.append(time.perf_counter() - start)
        # Proof that something was learned; noise can be learned by heart too.
        learned = f"loss {losses[0]:.3f} -> {losses[-1]:.3f}"
        kind = "with validation each epoch" if validating else "without validation"
        print(f"{kind}: min {min(seconds):.3f} s, median {statistics.median(seconds):.3f} s ({learned})")


if __name__ == "__main__":
    main()
