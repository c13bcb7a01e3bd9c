// SPDX-License-Identifier: MIT
// ckpt show: the tree of a checkpoint, or one tensor with its statistics and a histogram.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <unordered_set>

#include "tools/cli/ckpt_commands.h"
#include "tools/cli/ckpt_foreign.h"
#include "tools/cli/ckpt_path.h"
#include "tools/cli/ckpt_source.h"
#include "tools/cli/ckpt_statistics.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/core/placeholder.h"

namespace wick::tools {
namespace {

using Kind = Value::Kind;

std::string describe_tensor(const Tensor& tensor) {
  std::string text = concat(tensor.dtype(), ' ', tensor.shape());
  if (!tensor.is_contiguous()) text += concat(", strides ", tensor.strides());
  if (tensor.requires_grad()) text += ", requires_grad";
  return text;
}

std::string dict_name(const Dict& dict) {
  switch (dict.type()) {
    case Dict::Type::dict: return "dict";
    case Dict::Type::ordered_dict: return "OrderedDict";
    case Dict::Type::counter: return "Counter";
    case Dict::Type::default_dict:
      return concat("defaultdict(",
                    dict.default_factory().empty() ? "None" : dict.default_factory(), ")");
  }
  return "dict";
}

class TreePrinter {
 public:
  TreePrinter(std::ostream& out, const Style& style, std::size_t items)
      : out_(out), style_(style), items_(items) {}

  // Values may be nested a million levels deep; nobody reads that, and the indents alone would fill
  // a disk.
  void print(const Value& value, const std::string& indent) {
    if (depth_ == kMaxDepth && is_container(value)) {
      out_ << style_.dim << value.kind_name() << ", " << kMaxDepth
           << " levels deep; ckpt show FILE NAME shows it" << style_.reset << '\n';
      return;
    }
    ++depth_;
    print_here(value, indent);
    --depth_;
  }

 private:
  void print_here(const Value& value, const std::string& indent) {
    switch (value.kind()) {
      case Kind::tensor:
        out_ << style_.accent << (value.as_tensor_object().is_parameter ? "Parameter " : "")
             << describe_tensor(value.as_tensor()) << style_.reset << '\n';
        break;
      case Kind::dict: print_dict(value, indent); break;
      case Kind::list: print_items(value, "list", value.as_list(), indent); break;
      case Kind::tuple: print_items(value, "tuple", value.as_tuple(), indent); break;
      case Kind::placeholder: print_placeholder(value, indent); break;
      case Kind::set: print_set(value.as_set(), "set", indent); break;
      case Kind::frozen_set: print_set(value.as_frozen_set(), "frozenset", indent); break;
      default: out_ << describe_scalar(value) << '\n';
    }
  }

  // Prints the head of a container. False where it was printed before: it may hold itself.
  bool enter(const Value& value, const std::string& kind, std::size_t size) {
    out_ << style_.dim << kind << " of " << format_count(size) << style_.reset;
    const bool first = size == 0 || seen_.insert(value.identity()).second;
    out_ << (first ? "\n" : ", the same as above\n");
    return first;
  }
  // In front of child `index` of `count`; gives the indent of what is below it.
  std::string branch(const std::string& indent, std::size_t index, std::size_t count) {
    const bool last = index + 1 == count;
    out_ << style_.dim << indent << (last ? "└─ " : "├─ ") << style_.reset;
    return indent + (last ? "   " : "│  ");
  }
  // True once the child at `index` and those behind it are left out.
  bool leave_out(const std::string& indent, std::size_t index, std::size_t count) {
    if (index < items_ || count <= items_ + 1) return false;
    out_ << style_.dim << indent << "└─ ... " << format_count(count - index) << " more; --items "
         << std::to_string(count) << " shows them" << style_.reset << '\n';
    return true;
  }

  void print_dict(const Value& value, const std::string& indent) {
    const Dict& dict = value.as_dict();
    if (!enter(value, dict_name(dict), dict.size())) return;
    std::size_t index = 0;
    for (const auto& [key, child] : dict) {
      if (leave_out(indent, index, dict.size())) return;
      const std::string below = branch(indent, index++, dict.size());
      out_ << (key.kind() == Kind::string ? plain_name(key.as_string()) : key_text(key)) << ": ";
      print(child, below);
    }
  }
  void print_placeholder(const Value& value, const std::string& indent) {
    const Placeholder& placeholder = value.as_placeholder();
    const std::vector<PlaceholderPart> parts = parts_of(placeholder);
    out_ << style_.dim << describe_placeholder(placeholder) << style_.reset;
    if (parts.empty()) {
      out_ << '\n';
      return;
    }
    if (!seen_.insert(value.identity()).second) {
      out_ << ", the same as above\n";
      return;
    }
    out_ << style_.dim << " with " << format_count(parts.size(), "value") << style_.reset << '\n';
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (leave_out(indent, i, parts.size())) return;
      const std::string below = branch(indent, i, parts.size());
      out_ << plain_name(parts[i].name) << ": ";
      print(parts[i].value, below);
    }
  }
  void print_items(const Value& value, const std::string& kind, const std::vector<Value>& items,
                   const std::string& indent) {
    const bool plain = std::ranges::none_of(items, [](const Value& item) {
      return item.identity() != nullptr && item.kind() != Kind::device;
    });
    if (plain && items.size() <= kInline) {
      print_inline(kind, items);
      return;
    }
    if (!enter(value, kind, items.size())) return;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (leave_out(indent, i, items.size())) return;
      const std::string below = branch(indent, i, items.size());
      out_ << std::to_string(i) << ": ";
      print(items[i], below);
    }
  }
  void print_inline(const std::string& kind, const std::vector<Value>& items) {
    const bool tuple = kind == "tuple";
    out_ << (tuple ? '(' : '[');
    for (std::size_t i = 0; i < items.size(); ++i) {
      out_ << (i == 0 ? "" : ", ") << describe_scalar(items[i]);
    }
    out_ << (tuple && items.size() == 1 ? "," : "") << (tuple ? ")\n" : "]\n");
  }
  template <typename Items>
  void print_set(const Items& items, const std::string& kind, const std::string& indent) {
    out_ << style_.dim << kind << " of " << format_count(items.size()) << style_.reset << '\n';
    std::size_t index = 0;
    for (const auto& entry : items) {
      if (leave_out(indent, index, items.size())) return;
      branch(indent, index++, items.size());
      out_ << key_text(entry.first) << '\n';
    }
  }
  // Keys are scalars, or tuples of such.
  std::string key_text(const Value& key, int depth = 0) {
    if (key.kind() == Kind::placeholder) return describe_placeholder(key.as_placeholder());
    if (key.kind() != Kind::tuple) return describe_scalar(key);
    if (depth == kMaxKeyDepth) return "(...)";
    std::string text = "(";
    for (const Value& item : key.as_tuple()) text += key_text(item, depth + 1) + ", ";
    if (text.size() > 1) text.resize(text.size() - (key.as_tuple().size() == 1 ? 1 : 2));
    return text + ")";
  }

  static constexpr std::size_t kInline = 8;
  static constexpr int kMaxDepth = 100;
  static constexpr int kMaxKeyDepth = 10;
  std::ostream& out_;
  const Style& style_;
  std::size_t items_;
  int depth_ = 0;
  std::unordered_set<const void*> seen_;
};

// -- One tensor -----------------------------------------------------------------------------------

void print_histogram(const Statistics& statistics, std::ostream& out, const Style& style) {
  static constexpr std::array kEighths = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  constexpr int kRows = 8;
  const std::int64_t most = *std::ranges::max_element(statistics.histogram);
  if (most == 0) return;
  out << '\n';
  for (int row = kRows - 1; row >= 0; --row) {
    std::string line = "  ";
    for (const std::int64_t count : statistics.histogram) {
      // In eighths of a row; a bin that is not empty shows at least one.
      const double height = static_cast<double>(count) / static_cast<double>(most);
      int eighths = static_cast<int>(std::lround(height * kRows * 8)) - row * 8;
      if (row == 0 && count > 0) eighths = std::max(eighths, 1);
      line += kEighths[static_cast<std::size_t>(std::clamp(eighths, 0, 8))];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << style.accent << line << style.reset << '\n';
  }
  const std::string& low = statistics.minimum;
  const std::string& high = statistics.maximum;
  const std::size_t gap = Statistics::kBins > low.size() + high.size()
                              ? Statistics::kBins - low.size() - high.size()
                              : 2;
  out << "  " << style.dim << low << std::string(gap, ' ') << high << style.reset << '\n';
}

void print_tensor(const SourceTensor& found, std::ostream& out, const Style& style) {
  const TensorInfo& info = found.info;
  const Tensor tensor = found.read();
  // On the device meta there are no elements, and in opaque dtypes no numbers.
  const bool has_numbers = tensor.device() != kMeta && !is_opaque(info.dtype);
  const Statistics statistics = has_numbers ? statistics_of(tensor) : Statistics{};
  const auto line = [&](const char* label, const std::string& text) {
    out << style.dim << label << style.reset << text << '\n';
  };
  out << style.bold << (info.name.empty() ? "tensor" : plain_name(info.name)) << style.reset
      << '\n';
  if (found.is_storage()) {
    line("  kind       ", concat("torch.", found.storage_class));
  }
  line("  dtype      ", concat(info.dtype, info.requires_grad ? ", requires_grad" : ""));
  line("  shape      ",
       concat(info.shape, tensor.is_contiguous() ? "" : concat(", strides ", tensor.strides())));
  line("  device     ", plain_name(info.device));
  line("  size       ", format_count(static_cast<std::uint64_t>(tensor.numel()), "element") + ", " +
                            format_bytes(info.nbytes()));
  if (!info.record.empty()) {
    line("  storage    ", concat(plain_name(info.record), ", ", format_bytes(info.storage_bytes),
                                 info.offset > 0 ? concat(", from element ", info.offset) : ""));
  }
  if (is_opaque(info.dtype)) {
    line("  elements   ",
         concat("not shown: ", info.dtype, " is carried as bytes, without numbers"));
  }
  if (statistics.count == 0) return;
  constexpr std::int64_t kFirst = 6;
  std::string first;
  for (const std::string& text : first_elements(tensor, kFirst)) {
    first += (first.empty() ? "" : ", ") + text;
  }
  line("  elements   ", first + (statistics.count > kFirst ? ", ..." : ""));
  const char* const of = is_complex(info.dtype) ? " (of absolute values)" : "";
  line("  min        ", statistics.minimum + of);
  line("  max        ", statistics.maximum);
  if (statistics.finite > 0) {
    line("  mean       ", format_number(statistics.mean));
    line("  deviation  ", format_number(statistics.deviation));
  }
  const auto count = [&](std::int64_t number) {
    return format_count(static_cast<std::uint64_t>(number));
  };
  line("  zeros      ", count(statistics.zeros));
  line("  NaN        ", count(statistics.nans));
  line("  Inf        ", count(statistics.infinities));
  print_histogram(statistics, out, style);
}

// A tree for the formats that hold named tensors only.
Value flat_tree(const CkptSource& source) {
  Dict dict;
  for (const auto& [info, read, storage_class, handle] : source.tensors) {
    dict.set(info.name, Tensor::empty(info.shape, info.dtype, kMeta));
  }
  return dict;
}

}  // namespace

int show(const ShowOptions& options, std::ostream& out, const Style& style) {
  const CkptSource source = open_source(options.file, options.load);
  const bool single = source.tensors.size() == 1 && source.tensors.front().info.name.empty();
  const SourceTensor* const tensor =
      single && options.name.empty() ? &source.tensors.front() : source.find(options.name);
  if (tensor != nullptr && (single || !options.name.empty())) {
    print_tensor(*tensor, out, style);
    return 0;
  }
  const Value root = source.tree ? *source.tree : flat_tree(source);
  const std::optional<Value> part = find_part(root, options.name);
  if (!part) static_cast<void>(source.at(options.name));  // says that it is not there
  TreePrinter(out, style, options.items).print(*part, "");
  return 0;
}

}  // namespace wick::tools
