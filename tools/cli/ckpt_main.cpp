// SPDX-License-Identifier: MIT
// The program `ckpt`: looks into checkpoints, compares, checks and converts them.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tools/cli/ckpt_commands.h"
#include "tools/cli/command_line.h"
#include "tools/cli/program.h"
#include "tools/cli/standard_input.h"
#include "tools/printable.h"
#include "wick/core/device.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

constexpr const char* kAbout =
    "Looks into checkpoints, compares, checks and converts them. Reads files of torch.save,\n"
    "safetensors, NumPy's .npy and .npz, and *.index.json with its shards, whatever their\n"
    "names; runs nothing that is in them. The file - is standard input.\n";

constexpr const char* kExamples =
    "Examples:\n"
    "  tools/ckpt ls model.pt                       every tensor, in a table\n"
    "  tools/ckpt verify checkpoints/*.tar          exit status 1 where one is damaged\n"
    "  gunzip < model.pt.gz | tools/ckpt ls -       from a pipe\n"
    "  tools/ckpt show model.pt                     the tree, with all other values\n"
    "  tools/ckpt show model.pt model.layer1.weight statistics and a histogram\n"
    "  tools/ckpt diff a.pt b.safetensors           exit status 1 where they differ\n"
    "  tools/ckpt convert model.pt model.safetensors --root model --dtype float16\n"
    "  tools/ckpt extract model.pt model.layer1.weight weight.npy\n"
    "See tools/ckpt COMMAND --help.\n";

struct CkptOptions {
  std::vector<std::filesystem::path> files;  // of ls and verify
  bool json = false;
  bool no_verify = false;
  std::string dtype;
  ShowOptions show;
  DiffOptions diff;
  ConvertOptions convert;
};

using Action = std::function<int()>;

// What helps, in the words of the options that this program has.
std::string remedy_words(wick::Remedy remedy) {
  switch (remedy) {
    case Remedy::map_location: return "give --map-location cpu";
    case Remedy::admitted_part: return "convert a part without it by --root NAME or --only NAME";
    case Remedy::other_dtype:
      return "give --dtype float32 for floating-point tensors, or write a .pt file";
    case Remedy::pick_by_tree: return "ckpt show tells them apart";
    default: return {};
  }
}

// One line that names the file.
void say_error(const wick::Error& error, const std::filesystem::path& file) {
  std::string message = with_shown_names(reading_message(error, remedy_words));
  const std::string name = with_shown_names(file.string());
  if (message.find(name) == std::string::npos) message = concat("'", name, "': ", message);
  std::cerr << "ckpt: " << message_line(message) << std::endl;
}

void add_file(Command& command, std::filesystem::path& file, const char* name = "FILE",
              const char* about = "a checkpoint of any format") {
  command.add(name, &file, "", about).required();
}

void add_files(Command& command, CkptOptions& options) {
  command.add("FILE", &options.files, "", "checkpoints of any format; all are looked at")
      .required();
}

void add_no_verify(Command& command, CkptOptions& options) {
  command.flag("--no-verify", options.no_verify, kNoVerifyHelp);
}

void add_conversions(Command& command, CkptOptions& options) {
  command.add("--to", &options.convert.to, "FORMAT",
              "pt, safetensors, npz or npy (default: by OUT)");
  command.add("--dtype", &options.dtype, "NAME", "of all floating-point tensors, as float16");
  command.add("--map-location", &options.convert.map_location, "DEVICE",
              "as in torch.load: where the tensors go, as cpu");
  add_no_verify(command, options);
}

// What stands around the results of several files.
enum class Frame : std::uint8_t { none, titles, json };

// Runs a command on one file after the other; "-" is `input`. What is wrong with one is said, and
// the others are looked at nevertheless; the status is the worst.
int for_each_file(const std::vector<std::filesystem::path>& files, StandardInput& input,
                  Frame frame,
                  const std::function<int(const std::filesystem::path&, std::ostream&)>& command) {
  if (files.size() == 1) return command(input.file_for(files.front()), std::cout);
  int status = 0;
  std::size_t printed = 0;
  for (const std::filesystem::path& file : files) {
    std::ostringstream result;
    std::filesystem::path path = file;
    try {
      path = input.file_for(file);
      status = std::max(status, command(path, result));
    } catch (const wick::Error& error) {
      status = kFailure;
      flush_output();
      say_error(error, path);
      continue;
    }
    const bool first = printed++ == 0;
    if (frame == Frame::json) std::cout << (first ? "[\n" : ",\n");
    if (frame == Frame::titles) {
      std::cout << (first ? "" : "\n") << plain_name(with_shown_names(path.string())) << ":\n";
    }
    std::string text = result.str();
    if (frame == Frame::json && text.ends_with('\n')) text.pop_back();
    std::cout << text;
    flush_output();
  }
  if (frame == Frame::json) std::cout << (printed == 0 ? "[]\n" : "\n]\n");
  return status;
}

// Each command's name, options and what it does.
void add_commands(CommandLine& line, CkptOptions& options, StandardInput& input, Action& chosen) {
  const auto add = [&](const char* name, const char* about, Action action) {
    return line.command(name, about, [&chosen, action = std::move(action)] { chosen = action; });
  };
  Command ls = add("ls", "Lists the tensors: names, dtypes, shapes, devices, sizes", [&] {
    return for_each_file(options.files, input, options.json ? Frame::json : Frame::titles,
                         [&](const std::filesystem::path& file, std::ostream& out) {
                           return list_tensors(file, options.json, options.show.load, out,
                                               Style::for_stdout());
                         });
  });
  add_files(ls, options);
  add_no_verify(ls, options);
  ls.flag("--json", options.json, "everything about them, as JSON");

  Command show_one = add("show", "Shows the tree, or one tensor with statistics and a histogram",
                         [&] { return show(options.show, std::cout, Style::for_stdout()); });
  add_file(show_one, options.show.file);
  show_one.add("NAME", &options.show.name, "", "a tensor or a part of the tree, as ls names it");
  show_one.add("--items", &options.show.items, "N", "that are shown of each container")
      .whole(0)
      .show_default();
  add_no_verify(show_one, options);

  Command compare = add("diff", "Compares two files; exit status 1 where they differ",
                        [&] { return diff(options.diff, std::cout, Style::for_stdout()); });
  add_file(compare, options.diff.a, "A");
  add_file(compare, options.diff.b, "B");
  compare.add("--atol", &options.diff.atol, "X", "equal is |a - b| <= atol + rtol |b|")
      .number_from_zero();
  compare.add("--rtol", &options.diff.rtol, "X", "see --atol").number_from_zero();
  compare.flag("--all", options.diff.all, "show equal tensors as well");
  add_no_verify(compare, options);

  Command check =
      add("verify",
          "Checks files: structure and every CRC-32; exit status 1 where one"
          " is damaged",
          [&] {
            return for_each_file(options.files, input, Frame::none,
                                 [](const std::filesystem::path& file, std::ostream& out) {
                                   return verify(file, out, Style::for_stdout());
                                 });
          });
  add_files(check, options);

  const auto write = [&] { return convert(options.convert, std::cout); };
  Command whole = add("convert", "Converts between formats, dtypes and devices", write);
  add_file(whole, options.convert.in, "IN");
  add_file(whole, options.convert.out, "OUT",
           "to write; its ending says the format: .pt, .safetensors, .npz, .npy");
  add_conversions(whole, options);
  whole.add("--root", &options.convert.root, "NAME", "convert this part of the tree alone");
  whole.add("--only", &options.convert.only, "NAME",
            "convert these tensors alone; 'layer1' is all of layer1, '*' any characters");

  Command part =
      add("extract", "Writes one tensor, or one part of the tree, to a file of its own", write);
  add_file(part, options.convert.in);
  part.add("NAME", &options.convert.root, "", "a tensor or a part of the tree").required();
  add_file(part, options.convert.out, "OUT",
           "to write; its ending says the format: .npy, .pt, .safetensors, .npz");
  add_conversions(part, options);
}

// Single files that are called "-".
void take_standard_input(CkptOptions& options, StandardInput& input) {
  for (std::filesystem::path* const file :
       {&options.show.file, &options.diff.a, &options.diff.b, &options.convert.in}) {
    if (!file->empty()) *file = input.file_for(*file);
  }
}

void check_map_location(const std::string& location) {
  if (location.empty()) return;
  try {
    (void)Device::parse(location);
  } catch (const DeviceError&) {
    throw ValueError(
        concat("--map-location is ", location, "; it must be cpu, cuda, cuda:N or meta"));
  }
}

// What is wrong with the arguments and shows without opening a file.
void check_arguments(CkptOptions& options) {
  for (LoadOptions* const load : {&options.show.load, &options.diff.load, &options.convert.load}) {
    load->verify = !options.no_verify;
  }
  if (!options.convert.out.empty()) check_target(options.convert);
  check_map_location(options.convert.map_location);
  if (options.dtype.empty()) return;
  std::string_view name = options.dtype;
  if (name.starts_with("torch.")) name.remove_prefix(6);
  options.convert.dtype = dtype_from_name(name);
  if (!options.convert.dtype || !is_floating_point(*options.convert.dtype)) {
    throw ValueError(concat("--dtype is ", options.dtype,
                            "; it must be a dtype of floating-point numbers, as float16, bfloat16"
                            " or float32"));
  }
}

int ckpt_main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  CkptOptions options;
  StandardInput input;
  Action chosen;
  try {
    CommandLine line("ckpt", kAbout, kExamples, 12);
    add_commands(line, options, input, chosen);
    if (const auto text = line.parse(argc, argv)) return show_text("ckpt", *text);
    check_arguments(options);
  } catch (const Error& error) {
    return usage_error("ckpt", message_of(error, remedy_words).c_str());
  }
  return run_program("ckpt", [&] {
    try {
      take_standard_input(options, input);
      return chosen();
    } catch (const Error& error) {
      throw FormatError(with_shown_names(reading_message(error, remedy_words)));
    }
  });
}

}  // namespace
}  // namespace wick::tools

int main(int argc, char** argv) {
  using namespace wick::tools;
  return run_main("ckpt", ckpt_main, argc, argv);
}
