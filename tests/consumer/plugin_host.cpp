// SPDX-License-Identifier: MIT
// Loads a plugin with wick in it and closes it again, a hundred times: each time nothing of it may
// be left in the process, and the plugin may not export wick.
#include <cstdio>
#include <fstream>
#include <string>

#include <dlfcn.h>

namespace {

bool is_mapped(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(name) != std::string::npos) return true;
  }
  return false;
}

int fail(int round, const char* what) {
  std::fprintf(stderr, "round %d: %s\n", round, what);
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return fail(0, "usage: plugin_host PLUGIN static|shared");
  const bool carries_wick = std::string(arguments[2]) == "static";
  const std::string path = arguments[1];
  const std::string name = path.substr(path.rfind('/') + 1);
  float first = 0.0F;
  for (int round = 0; round < 100; ++round) {
    void* const plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) return fail(round, dlerror());
    if (!is_mapped(name)) return fail(round, "the plugin is not where it should be");
    const auto run = reinterpret_cast<float (*)()>(dlsym(plugin, "run_plugin"));
    if (run == nullptr) return fail(round, "no run_plugin in it");
    const float result = run();
    if (round == 0) first = result;
    if (result != first || result == -1000.0F) return fail(round, "another result");
    if (carries_wick && dlsym(plugin, "_ZN4wick7versionEv") != nullptr) {
      return fail(round, "it exports wick");
    }
    if (dlclose(plugin) != 0) return fail(round, dlerror());
    if (is_mapped(name) || is_mapped("libwick.so")) return fail(round, "it is still there");
  }
  std::printf("loaded and closed 100 times\n");
  return 0;
}
