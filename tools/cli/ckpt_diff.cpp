// SPDX-License-Identifier: MIT
// ckpt diff: what two files do not have in common.
#include <cmath>
#include <complex>
#include <map>

#include "serialize/visit_leaves.h"
#include "tools/cli/ckpt_commands.h"
#include "tools/cli/ckpt_foreign.h"
#include "tools/cli/ckpt_path.h"
#include "tools/cli/ckpt_progress.h"
#include "tools/cli/ckpt_source.h"
#include "tools/cli/ckpt_statistics.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

using Kind = Value::Kind;

struct Counts {
  std::size_t equal = 0;
  std::size_t different = 0;
  std::size_t only_a = 0;
  std::size_t only_b = 0;
  std::size_t values = 0;  // that are no tensors and differ
  [[nodiscard]] bool same() const {
    return different == 0 && only_a == 0 && only_b == 0 && values == 0;
  }
};

struct Verdict {
  bool equal = true;
  std::string note;  // "dtype float32 / float16"
  Difference difference;
};

Verdict judge(const SourceTensor& a, const SourceTensor& b, const DiffOptions& options) {
  Verdict verdict;
  if (a.storage_class != b.storage_class) {
    const auto kind = [](const SourceTensor& tensor) {
      return tensor.storage_class.empty() ? "Tensor" : tensor.storage_class;
    };
    verdict.note = concat("kind ", kind(a), " / ", kind(b));
    verdict.equal = false;
    return verdict;
  }
  if (a.info.shape != b.info.shape) {
    verdict.note = concat("shape ", a.info.shape, " / ", b.info.shape);
    verdict.equal = false;
    return verdict;
  }
  const Tensor left = a.read();
  const Tensor right = b.read();
  if (left.device() == kMeta || right.device() == kMeta) {
    verdict.equal = left.device() == right.device() && left.dtype() == right.dtype();
    verdict.note = verdict.equal ? "equal, without elements" : "elements in one of them only";
    return verdict;
  }
  if (!is_convertible(a.info.dtype, b.info.dtype)) {
    verdict.equal = false;
    verdict.note = concat("dtype ", a.info.dtype, " / ", b.info.dtype);
    return verdict;
  }
  verdict.difference = difference_of(left, right, options.rtol, options.atol);
  verdict.equal = verdict.difference.outside == 0;
  const std::int64_t differing = verdict.difference.differing;
  if (differing > 0) {
    verdict.note =
        concat(format_count(static_cast<std::uint64_t>(differing)), " of ",
               format_count(static_cast<std::uint64_t>(element_count(a.info.shape))), " elements");
  } else {
    verdict.note = verdict.difference.same_bits ? "equal" : "equal values";
  }
  if (a.info.dtype != b.info.dtype) {
    verdict.equal = false;
    verdict.note = concat("dtype ", a.info.dtype, " / ", b.info.dtype, ", ", verdict.note);
  } else if (differing == 0 && !verdict.difference.same_bits) {
    verdict.note += ", other bits";  // of zeros or NaNs
  }
  return verdict;
}

Counts diff_tensors(const CkptSource& a, const CkptSource& b, const DiffOptions& options,
                    Table& table) {
  Counts counts;
  std::map<std::string_view, const SourceTensor*> others;
  for (const SourceTensor& tensor : b.tensors) others.emplace(tensor.info.name, &tensor);
  std::uint64_t bytes = 0;
  for (const SourceTensor& tensor : a.tensors) bytes += tensor.info.nbytes();
  ByteProgress progress("comparing", bytes);
  for (const SourceTensor& tensor : a.tensors) {
    const std::string name = plain_name(tensor.info.name);
    progress.advance(tensor.info.nbytes());
    const auto other = others.find(tensor.info.name);
    if (other == others.end()) {
      ++counts.only_a;
      table.add({name, "only in the first", "", ""});
      continue;
    }
    const Verdict verdict = judge(tensor, *other->second, options);
    others.erase(other);
    ++(verdict.equal ? counts.equal : counts.different);
    if (verdict.equal && !options.all) continue;
    const bool compared = verdict.difference.differing > 0 && !is_opaque(tensor.info.dtype);
    table.add({name, verdict.note,
               compared ? format_number(verdict.difference.largest_absolute) : "",
               compared ? format_number(verdict.difference.largest_relative) : ""});
  }
  for (const SourceTensor& tensor : b.tensors) {
    if (others.find(tensor.info.name) == others.end()) continue;
    ++counts.only_b;
    table.add({plain_name(tensor.info.name), "only in the second", "", ""});
  }
  return counts;
}

struct Leaf {
  std::string text;
  Value number = {};  // where it is one
};

// Whether two leaves count as the same: numbers of which one is a float, within the tolerances.
bool are_equal(const Leaf& a, const Leaf& b, const DiffOptions& options) {
  if (a.text == b.text) return true;
  const auto is_float = [](const Leaf& leaf) {
    return leaf.number.kind() == Kind::real || leaf.number.kind() == Kind::complex;
  };
  if (a.number.is_none() || b.number.is_none() || (!is_float(a) && !is_float(b))) return false;
  const auto number = [](const Leaf& leaf) {
    return leaf.number.kind() == Kind::complex ? leaf.number.as_complex()
                                               : std::complex<double>(leaf.number.as_double());
  };
  const double distance = std::abs(number(a) - number(b));
  return std::isfinite(distance) && distance <= options.atol + options.rtol * std::abs(number(b));
}

// The values that are no tensors or storages and hold none, by their dotted names.
std::map<std::string, Leaf> leaves_of(const Value& root) {
  // A long key is a part of the name of all that lies below it.
  constexpr std::size_t kMaxNameBytes = std::size_t{256} << 20;
  std::size_t name_bytes = 0;
  std::map<std::string, Leaf> leaves;
  visit_leaves(root, [&](const std::string& name, const Value& value) {
    const Kind kind = value.kind();
    if (kind == Kind::tensor || kind == Kind::storage) return;
    name_bytes += name.size();
    if (name_bytes > kMaxNameBytes) {
      throw FormatError("the names of the values take more than 256 MiB");
    }
    const bool empty = kind == Kind::dict || kind == Kind::list || kind == Kind::tuple;
    const bool number = kind == Kind::integer || kind == Kind::real || kind == Kind::complex;
    // In full: what is only shown cut may differ where it is cut.
    leaves[name] = {empty                       ? concat("empty ", value.kind_name())
                    : kind == Kind::placeholder ? describe_placeholder(value.as_placeholder())
                    : kind == Kind::string      ? quote(value.as_string(), SIZE_MAX)
                    : kind == Kind::bytes       ? quote(value.as_bytes().data, SIZE_MAX)
                    : kind == Kind::byte_array  ? quote(value.as_byte_array(), SIZE_MAX)
                                                : describe_scalar(value),
                    number ? value : Value()};
  });
  return leaves;
}

std::string cut(const std::string& text) {
  constexpr std::size_t kShown = 48;
  return shortened(text, kShown);
}

std::size_t diff_values(const Value& a, const Value& b, const DiffOptions& options, Table& table) {
  const auto left = leaves_of(a);
  auto right = leaves_of(b);
  std::size_t different = 0;
  for (const auto& [name, leaf] : left) {
    const auto other = right.find(name);
    const bool there = other != right.end();
    if (!there || !are_equal(leaf, other->second, options)) {
      ++different;
      table.add({plain_name(name), cut(leaf.text), there ? cut(other->second.text) : "not there"});
    }
    if (there) right.erase(other);
  }
  for (const auto& [name, leaf] : right) {
    ++different;
    table.add({plain_name(name), "not there", cut(leaf.text)});
  }
  return different;
}

void print_summary(const Counts& counts, bool values_compared, std::ostream& out,
                   const Style& style) {
  if (counts.same()) {
    out << style.bold << "the same" << style.reset << ": "
        << format_count(counts.equal, "equal tensor")
        << (values_compared ? ", and all other values" : "") << '\n';
    return;
  }
  out << style.bold << "different" << style.reset << ": "
      << format_count(counts.different, "tensor") << " differ" << (counts.different == 1 ? "s" : "")
      << ", " << format_count(counts.equal) << " equal";
  if (counts.only_a > 0) out << ", " << format_count(counts.only_a) << " only in the first";
  if (counts.only_b > 0) out << ", " << format_count(counts.only_b) << " only in the second";
  if (counts.values > 0) {
    out << "; " << format_count(counts.values, "other value")
        << (counts.values == 1 ? " differs" : " differ");
  }
  out << '\n';
}

}  // namespace

int diff(const DiffOptions& options, std::ostream& out, const Style& style) {
  const CkptSource a = open_source(options.a, options.load);
  const CkptSource b = open_source(options.b, options.load);
  using Align = Table::Align;
  Table tensors({{"TENSOR"}, {"DIFFERENCE"}, {"MAX ABS", Align::right}, {"MAX REL", Align::right}});
  Counts counts = diff_tensors(a, b, options, tensors);
  Table values({{"VALUE"}, {"FIRST"}, {"SECOND"}});
  // Other formats hold no values, so that their absence says nothing.
  const bool comparable = a.tree != nullptr && b.tree != nullptr;
  if (comparable) counts.values = diff_values(*a.tree, *b.tree, options, values);
  for (const Table* const table : {&tensors, &values}) {
    if (table->empty()) continue;
    table->print(out, style);
    out << '\n';
  }
  print_summary(counts, comparable, out, style);
  return counts.same() ? 0 : 1;
}

}  // namespace wick::tools
