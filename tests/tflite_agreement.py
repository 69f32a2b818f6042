#!/usr/bin/env python3
"""Compares a model that `pinhole export` wrote for TensorFlow Lite with Pinhole's own decisions, photo by photo.

    python3 tests/tflite_agreement.py MODEL PHOTOS... [--limit N] [--calibration PHOTOS] [--pinhole PROGRAM]

MODEL is what `pinhole export` takes. Takes TensorFlow (or its interpreter alone, ai-edge-litert) and NumPy; it was
written against TensorFlow 2.21. Both sides get the same pixels, those of `pinhole classify --json --pixels`. Prints how
many photos are of the same class and the largest difference of a logit, for TensorFlow's optimized kernels and for its
reference ones, which do not always agree with each other. The exit status is 0 if the file is loaded and run, whatever
the agreement: how much of it is enough is for the reader to say.
"""

import argparse
import base64
import json
import pathlib
import subprocess
import tempfile

import numpy as np

try:
    from ai_edge_litert import interpreter as lite
except ImportError:
    from tensorflow import lite

    lite.OpResolverType = lite.experimental.OpResolverType


def run(program, *arguments):
    """What a command of Pinhole prints."""
    return subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.PIPE).stdout


def logits(path, inputs, resolver):
    """The logits of all inputs as integers of the file's type, and what they stand for: scale and zero point."""
    interpreter = lite.Interpreter(model_path=str(path), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    (into,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for pixels in inputs:
        # Pixels are 0..=255, the input's integers -128..=127.
        tensor = (pixels.astype(np.int16) - 128).astype(np.int8).reshape(into["shape"])
        interpreter.set_tensor(into["index"], tensor)
        interpreter.invoke()
        found.append(interpreter.get_tensor(out["index"])[0])
    return np.stack(found), out["quantization"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("photos", nargs="+")
    parser.add_argument("--limit", type=int, help="only so many photos, spread evenly over all")
    parser.add_argument("--calibration", help="a folder of photos for `pinhole export --photos`")
    parser.add_argument("--pinhole", default="target/release/pinhole")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.tflite"
        calibration = ["--photos", options.calibration] if options.calibration else []
        run(options.pinhole, "export", options.model, path, *calibration)
        photos = json.loads(run(options.pinhole, "classify", "--json", "--pixels", options.model, *options.photos))
        if options.limit and options.limit < len(photos):
            photos = [photos[i * len(photos) // options.limit] for i in range(options.limit)]
        inputs = [np.frombuffer(base64.b64decode(photo["pixels"]), np.uint8) for photo in photos]
        own = np.array([photo["logits"] for photo in photos])
        for name, resolver in (
            ("optimized", lite.OpResolverType.AUTO),
            ("reference", lite.OpResolverType.BUILTIN_REF),
        ):
            integers, (scale, zero_point) = logits(path, inputs, resolver)
            bits, integers = integers.dtype, integers.astype(np.int32)
            # argmax takes the first of equal ones, as Pinhole does.
            same = np.argmax(integers, 1) == np.argmax(own, 1)
            ties = sum(np.sum(row == row.max()) > 1 for row in integers)
            difference = np.abs((integers - zero_point) * scale - own)
            print(
                f"{name}: the same class for {same.sum()} of {len(photos)} photos ({ties} ties in {bits}); logits differ "
                f"by at most {difference.max():.3f}, {difference.mean():.3f} on average (a unit is {scale:.4f}; they are "
                f"{own.min():.2f} to {own.max():.2f})"
            )
            for photo, own_logits, row in [t for t, s in zip(zip(photos, own, integers), same) if not s]:
                margin = np.ptp(np.sort(own_logits)[-2:])
                print(f"  {photo['path']}: {photo['class']} by {margin:.3f} on the device, here {row.tolist()}")


main()
