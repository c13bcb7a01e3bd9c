// SPDX-License-Identifier: MIT
// Converts between the file formats, for other_formats_interop.py: wick_formats IN OUT, where the
// ending of OUT says its format. In and out are read and written by the library alone.
#include <cstdio>
#include <exception>
#include <string>

#include "wick/core/error.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"

int main(int argc, char** argv) {
  using namespace wick;
  if (argc != 3) {
    std::fputs("usage: wick_formats IN OUT.{pt,safetensors,npy,npz}\n", stderr);
    return 2;
  }
  try {
    const std::string out = argv[2];
    const Value value = load_any(argv[1]);
    if (out.ends_with(".pt")) {
      save(value, out);
    } else if (out.ends_with(".npy")) {
      save_npy(value.as_tensor(), out);
    } else if (out.ends_with(".npz")) {
      save_npz(StateDict::from_value(value), out);
    } else if (out.ends_with(".safetensors")) {
      TextMetadata metadata;
      if (recognise_file(argv[1]) == FileFormat::safetensors) {
        metadata = SafetensorsFile(argv[1]).metadata();
      }
      save_safetensors(StateDict::from_value(value), out, metadata);
    } else {
      throw ValueError("unknown ending: " + out);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wick_formats: %s\n", error.what());
    return 1;
  }
  return 0;
}
