# SPDX-License-Identifier: MIT
"""As wick.cpp, with ONNX Runtime, whose package has no header for C++: from Python."""
import sys
import time

import numpy
import onnxruntime

if len(sys.argv) > 1:
    begin = time.perf_counter()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    loaded = time.perf_counter()
    output = session.run(None, {"x": numpy.zeros((1, 784), numpy.float32)})[0]
    done = time.perf_counter()
    with open("/proc/self/status", encoding="ascii") as status:
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    print((loaded - begin) * 1e6, (done - loaded) * 1e6, output[0][0], peak)
