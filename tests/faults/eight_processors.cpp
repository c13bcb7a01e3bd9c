// SPDX-License-Identifier: MIT
// A library to preload (LD_PRELOAD): std::thread::hardware_concurrency() is eight on any machine.
extern "C" int get_nprocs() {
  return 8;
}
