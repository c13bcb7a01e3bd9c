// SPDX-License-Identifier: MIT
#include "serialize/unsupported_globals.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <utility>

namespace wick {
namespace {

struct Entry {
  std::string_view module;
  std::string_view name;
  std::string_view meaning;
};

constexpr std::string_view kSparse =
    "it makes a sparse tensor, which wick does not have; save tensor.to_dense() instead";
constexpr std::string_view kQuantized =
    "it belongs to a quantized tensor, which wick does not have; save tensor.dequantize() instead";
constexpr std::string_view kNoPlainTensor =
    "it makes a tensor subclass without data of its own; save a plain tensor instead";
constexpr std::string_view kDtype = "wick does not have this dtype";

constexpr std::array kEntries = {
    Entry{"torch._utils", "_rebuild_sparse_tensor", kSparse},
    Entry{"torch._utils", "_rebuild_sparse_csr_tensor", kSparse},
    Entry{"torch._utils", "_rebuild_qtensor", kQuantized},
    Entry{"torch._utils", "_rebuild_nested_tensor",
          "it makes a nested tensor, which wick does not have; save its tensors in a list instead"},
    Entry{"torch._utils", "_rebuild_wrapper_subclass", kNoPlainTensor},
    Entry{"torch._utils", "_rebuild_device_tensor_from_numpy",
          "it makes a tensor out of a NumPy array; save tensor.cpu() instead"},
    Entry{"torch._utils", "_rebuild_xla_tensor",
          "it makes a tensor out of a NumPy array; save tensor.cpu() instead"},
    Entry{"torch._utils", "_rebuild_device_tensor_from_cpu_tensor",
          "it makes a tensor on a device that wick does not have; save tensor.cpu() instead"},
    Entry{"torch.storage", "TypedStorage",
          "it is the class of storages itself; save a storage or a tensor over it instead"},
};

constexpr std::array kQuantizedNames = {
    "QInt8Storage",
    "QUInt8Storage",
    "QInt32Storage",
    "QUInt4x2Storage",
    "QUInt2x4Storage",
    "per_tensor_affine",
    "per_tensor_symmetric",
    "per_channel_affine",
    "per_channel_symmetric",
    "per_channel_affine_float_qparams",
    "qint8",
    "quint8",
    "qint32",
    "quint4x2",
    "quint2x4",
};

// Of a later PyTorch, perhaps: a kind, then a digit.
bool is_other_dtype(std::string_view name) {
  for (const std::string_view kind : {"int", "uint", "bits", "float", "bcomplex"}) {
    if (name.starts_with(kind) && name.size() > kind.size() && name[kind.size()] >= '0' &&
        name[kind.size()] <= '9') {
      return true;
    }
  }
  return false;
}

// Every module has these among its attributes.
bool is_of_module(std::string_view pickle) {
  return pickle.find("_parameters") != std::string_view::npos &&
         pickle.find("_modules") != std::string_view::npos;
}

}  // namespace

std::string in_quotes(std::string_view text) {
  return concat(std::quoted(std::string(text.substr(0, 80))));
}

ValueError refused_global(const std::string& before, std::string_view module, std::string_view name,
                          std::string_view pickle) {
  const std::string meaning = is_of_module(pickle)
                                  ? "it is the class of a whole module, or lies in one; save "
                                    "module.state_dict() instead"
                                  : describe_unsupported(module, name);
  return {concat(before, "the global ", in_quotes(module), " ", in_quotes(name),
                 " is not admitted: ", meaning),
          Remedy::placeholders, "LoadOptions::placeholders loads the rest of the file"};
}

std::string describe_unsupported(std::string_view module, std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.module == module && entry.name == name) return std::string(entry.meaning);
  }
  if (module == "torch") {
    if (std::ranges::find(kQuantizedNames, name) != kQuantizedNames.end()) {
      return std::string(kQuantized);
    }
    if (is_other_dtype(name)) return std::string(kDtype);
  }
  if (module == "torch.cuda" && std::ranges::find(kQuantizedNames, name) != kQuantizedNames.end()) {
    return std::string(kQuantized);
  }
  if (module == "torch.sparse" || module == "torch.cuda.sparse") return std::string(kSparse);
  if ((module == "torch" || module.starts_with("torch.cuda")) && name.ends_with("Tensor")) {
    return "it is a tensor of PyTorch before 0.2; load it in PyTorch and save it again";
  }
  if (module == "numpy" || module.starts_with("numpy.")) {
    return "it belongs to a NumPy scalar or array, which torch.load(weights_only=True) refuses "
           "too; "
           "save a Python number or torch.from_numpy(array) instead";
  }
  if (module.starts_with("torch.nn.modules.")) {
    return "it is a whole module; save module.state_dict() instead";
  }
  return "only tensors and plain objects are loaded";
}

}  // namespace wick
