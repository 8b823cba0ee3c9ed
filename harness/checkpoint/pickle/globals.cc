#include "harness/checkpoint/pickle/globals.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <vector>

#include "harness/base/keyed_hash.h"

namespace loadpath {
namespace {

using K = GlobalKind;

constexpr Global kFixed[] = {
    {"collections.OrderedDict", K::kOrderedDict},
    {"collections.Counter", K::kCounter},
    {"builtins.set", K::kSet},
    {"builtins.bytearray", K::kByteArray},
    {"builtins.complex", K::kComplex},
    {"_codecs.encode", K::kEncode},
    {"torch.Size", K::kSize},
    {"torch.device", K::kDevice},
    {"torch.serialization._get_layout", K::kGetLayout},
    {"torch.nn.parameter.Parameter", K::kParameterClass},
    {"torch.Tensor", K::kTensorClass},
    {"torch._utils._rebuild_tensor", K::kRebuildTensor},
    {"torch._utils._rebuild_tensor_v2", K::kRebuildTensorV2},
    {"torch._utils._rebuild_tensor_v3", K::kRebuildTensorV3},
    {"torch._utils._rebuild_parameter", K::kRebuildParameter},
    {"torch._utils._rebuild_parameter_with_state", K::kRebuildParameterWithState},
    {"torch._tensor._rebuild_from_type_v2", K::kRebuildFromTypeV2},
    {"torch._utils._rebuild_device_tensor_from_cpu_tensor", K::kRebuildDeviceTensorFromCpuTensor},
    {"torch._utils._rebuild_device_tensor_from_numpy", K::kRebuildInert},
    {"torch._utils._rebuild_qtensor", K::kRebuildInert},
    {"torch._utils._rebuild_sparse_tensor", K::kRebuildInert},
    {"torch._utils._rebuild_meta_tensor_no_storage", K::kRebuildInert},
    {"torch._utils._rebuild_wrapper_subclass", K::kRebuildInert},
    {"torch.storage.UntypedStorage", K::kUntypedStorage, 1, "torch.uint8"},
    {"torch.storage.TypedStorage", K::kTypedStorage},
    {"torch.per_tensor_affine", K::kQscheme},
    {"torch.per_tensor_symmetric", K::kQscheme},
    {"torch.per_channel_affine", K::kQscheme},
    {"torch.per_channel_symmetric", K::kQscheme},
    {"torch.per_channel_affine_float_qparams", K::kQscheme},
};

struct SizedName {
  std::string_view name;
  std::uint8_t itemsize;
};

// Dtypes that no dense tensor has: quantised, sub-byte and opaque ones.
constexpr SizedName kOtherDtypes[] = {
    {"qint8", 1},   {"qint32", 4},  {"quint8", 1},  {"quint4x2", 1}, {"quint2x4", 1},
    {"bits1x8", 1}, {"bits2x4", 1}, {"bits4x2", 1}, {"bits8", 1},    {"bits16", 2},
};

struct StorageName {
  std::string_view prefix;
  std::string_view dtype;
  bool cuda;    // torch.cuda.XStorage exists too
  bool tensor;  // torch.XTensor exists
};

constexpr StorageName kStorages[] = {
    {"Byte", "uint8", true, true},
    {"Char", "int8", true, true},
    {"Short", "int16", true, true},
    {"Int", "int32", true, true},
    {"Long", "int64", true, true},
    {"Half", "float16", true, true},
    {"Float", "float32", true, true},
    {"Double", "float64", true, true},
    {"BFloat16", "bfloat16", true, true},
    {"Bool", "bool", true, true},
    {"ComplexFloat", "complex64", true, false},
    {"ComplexDouble", "complex128", true, false},
    {"QInt8", "qint8", false, false},
    {"QInt32", "qint32", false, false},
    {"QUInt8", "quint8", false, false},
    {"QUInt4x2", "quint4x2", false, false},
    {"QUInt2x4", "quint2x4", false, false},
};

class GlobalTable {
 public:
  GlobalTable() {
    globals_.assign(std::begin(kFixed), std::end(kFixed));
    for (int dtype = 0; dtype <= static_cast<int>(Dtype::kBcomplex32); ++dtype) {
      const DtypeInfo& info = Info(static_cast<Dtype>(dtype));
      Add({"torch.", info.name}, K::kDtype, info.itemsize);
    }
    for (const SizedName& dtype : kOtherDtypes) Add({"torch.", dtype.name}, K::kDtype, dtype.itemsize);
    for (const char bits : std::string_view("1234567")) {
      Add({"torch.uint", {&bits, 1}}, K::kDtype, 1);
      Add({"torch.int", {&bits, 1}}, K::kDtype, 1);
    }
    for (const StorageName& storage : kStorages) {
      const std::string_view dtype = Keep({"torch.", storage.dtype});
      const auto itemsize =
          std::find_if(globals_.begin(), globals_.end(), [&](const Global& g) { return g.name == dtype; })->itemsize;
      Add({"torch.", storage.prefix, "Storage"}, K::kStorageType, itemsize, dtype);
      if (storage.cuda) Add({"torch.cuda.", storage.prefix, "Storage"}, K::kStorageType, itemsize, dtype);
      if (!storage.tensor) continue;
      for (const std::string_view where : {"torch.", "torch.cuda.", "torch.sparse.", "torch.cuda.sparse."}) {
        const bool sparse = where.find("sparse") != std::string_view::npos;
        if (sparse && storage.prefix == "Bool") continue;
        if (where == "torch.cuda." || where == "torch." || sparse)
          Add({where, storage.prefix, "Tensor"}, K::kTensorClass);
      }
    }
    allowed_ = static_cast<std::uint32_t>(globals_.size());
    for (std::uint32_t i = 0; i < allowed_; ++i) index_.emplace(globals_[i].name, i);
    AddScriptNames();
  }

  const std::vector<Global>& globals() const { return globals_; }
  std::uint32_t allowed() const { return allowed_; }
  std::optional<std::uint32_t> FindScript(std::string_view name) const {
    const auto found = script_index_.find(name);
    if (found == script_index_.end()) return std::nullopt;
    return found->second;
  }
  std::optional<std::uint32_t> Find(std::string_view name) const {
    const auto found = index_.find(name);
    if (found == index_.end()) return std::nullopt;
    return found->second;
  }

 private:
  std::string_view Keep(std::initializer_list<std::string_view> parts) {
    std::string name;
    for (const std::string_view part : parts) name += part;
    return *names_.emplace_back(std::make_unique<std::string>(std::move(name)));
  }
  void Add(std::initializer_list<std::string_view> parts, K kind, std::uint8_t itemsize = 0,
           std::string_view dtype = {}) {
    globals_.push_back({Keep(parts), kind, itemsize, dtype});
  }

  // c10::toString of the dtypes that Python has no typed storage for (c10/core/ScalarType.h).
  void AddScriptNames() {
    constexpr std::pair<std::string_view, std::string_view> kScriptStorages[] = {
        {"UInt16", "uint16"},
        {"UInt32", "uint32"},
        {"UInt64", "uint64"},
        {"ComplexHalf", "complex32"},
        {"BComplex32", "bcomplex32"},
        {"Float8_e4m3fn", "float8_e4m3fn"},
        {"Float8_e4m3fnuz", "float8_e4m3fnuz"},
        {"Float8_e5m2", "float8_e5m2"},
        {"Float8_e5m2fnuz", "float8_e5m2fnuz"},
        {"Float8_e8m0fnu", "float8_e8m0fnu"},
        {"Float4_e2m1fn_x2", "float4_e2m1fn_x2"},
    };
    for (const auto& [prefix, dtype] : kScriptStorages) {
      Add({"torch.", prefix, "Storage"}, K::kStorageType, Info(*DtypeByName(dtype)).itemsize, Keep({"torch.", dtype}));
    }
    for (const std::string_view tag :
         {"build_intlist", "build_tensorlist", "build_doublelist", "build_boollist", "restore_type_tag"}) {
      Add({"torch.jit._pickle.", tag}, K::kFirstArgument);
    }
    for (auto i = allowed_; i < globals_.size(); ++i) script_index_.emplace(globals_[i].name, i);
  }

  std::uint32_t allowed_ = 0;
  std::vector<std::unique_ptr<std::string>> names_;
  std::vector<Global> globals_;
  HashMap<std::string_view, std::uint32_t> index_, script_index_;
};

const GlobalTable& TheTable() {
  static const GlobalTable table;
  return table;
}

struct Rename {
  std::string_view from_module, from_name, to_module, to_name;
};

constexpr Rename kNames[] = {
    {"__builtin__", "xrange", "builtins", "range"},
    {"__builtin__", "reduce", "functools", "reduce"},
    {"__builtin__", "intern", "sys", "intern"},
    {"__builtin__", "unichr", "builtins", "chr"},
    {"__builtin__", "unicode", "builtins", "str"},
    {"__builtin__", "long", "builtins", "int"},
    {"itertools", "izip", "builtins", "zip"},
    {"itertools", "imap", "builtins", "map"},
    {"itertools", "ifilter", "builtins", "filter"},
    {"itertools", "ifilterfalse", "itertools", "filterfalse"},
    {"itertools", "izip_longest", "itertools", "zip_longest"},
    {"UserDict", "IterableUserDict", "collections", "UserDict"},
    {"UserList", "UserList", "collections", "UserList"},
    {"UserString", "UserString", "collections", "UserString"},
    {"__builtin__", "basestring", "builtins", "str"},
    {"exceptions", "StandardError", "builtins", "Exception"},
    {"UserDict", "UserDict", "collections", "UserDict"},
};

constexpr std::pair<std::string_view, std::string_view> kModules[] = {
    {"__builtin__", "builtins"},
    {"copy_reg", "copyreg"},
    {"Queue", "queue"},
    {"repr", "reprlib"},
    {"_abcoll", "collections.abc"},
    {"UserDict", "collections"},
    {"UserList", "collections"},
    {"UserString", "collections"},
    {"whichdb", "dbm"},
    {"StringIO", "io"},
    {"cStringIO", "io"},
};

// The first four are those that PyTorch blocks.
constexpr std::string_view kBlockedModules[] = {"sys",        "os",     "posix",  "nt",
                                                "subprocess", "socket", "ctypes", "webbrowser"};
constexpr std::string_view kBlockedNames[] = {
    "builtins.eval",  "builtins.exec",    "builtins.compile",    "builtins.__import__",
    "builtins.open",  "builtins.input",   "builtins.breakpoint", "importlib.import_module",
    "runpy.run_path", "runpy.run_module", "shutil.rmtree",       "pty.spawn",
};

constexpr std::string_view kLayouts[] = {"torch.strided",    "torch.sparse_coo", "torch.sparse_csr", "torch.sparse_csc",
                                         "torch.sparse_bsr", "torch.sparse_bsc", "torch._mkldnn",    "torch.jagged"};

}  // namespace

std::uint32_t GlobalCount() { return TheTable().allowed(); }
const Global& GlobalAt(std::uint32_t index) { return TheTable().globals()[index]; }
std::optional<std::uint32_t> FindGlobal(std::string_view full_name) { return TheTable().Find(full_name); }

std::optional<std::uint32_t> FindScriptGlobal(std::string_view full_name) { return TheTable().FindScript(full_name); }

bool IsLayout(std::string_view name) {
  return std::find(std::begin(kLayouts), std::end(kLayouts), name) != std::end(kLayouts);
}

bool IsBlocked(std::string_view module, std::string_view name) {
  const auto has = [](const auto& list, std::string_view text) {
    return std::find(std::begin(list), std::end(list), text) != std::end(list);
  };
  return has(kBlockedModules, module) || has(kBlockedNames, std::string(module) + "." + std::string(name));
}

void MapPython2Name(std::string& module, std::string& name) {
  for (const Rename& rename : kNames) {
    if (module == rename.from_module && name == rename.from_name) {
      module = rename.to_module;
      name = rename.to_name;
      return;
    }
  }
  for (const auto& [from, to] : kModules) {
    if (module == from) {
      module = to;
      return;
    }
  }
}

std::string ForbiddenText(std::string_view module, std::string_view name) {
  const std::string full = std::string(module) + "." + std::string(name);
  if (IsBlocked(module, name)) return "names " + full + ", which no checkpoint needs and which is never read";
  return "names " + full + ", which is not on PyTorch's weights_only list (Unsupported global)";
}

std::optional<Dtype> DenseDtype(const Global& global) {
  return DtypeByName(global.kind == K::kDtype ? global.name : global.dtype);
}

NamedType TypeOf(const Global& global) {
  switch (global.kind) {
    case K::kDtype:
      return NamedType::kDtype;
    case K::kQscheme:
      return NamedType::kQscheme;
    case K::kStorageType:
      return NamedType::kStorageType;
    case K::kEncode:
      return NamedType::kBuiltinFunction;
    case K::kGetLayout:
    case K::kRebuildTensor:
    case K::kRebuildTensorV2:
    case K::kRebuildTensorV3:
    case K::kRebuildParameter:
    case K::kRebuildParameterWithState:
    case K::kRebuildFromTypeV2:
    case K::kRebuildDeviceTensorFromCpuTensor:
    case K::kFirstArgument:
    case K::kRebuildInert:
      return NamedType::kFunction;
    case K::kTensorClass:
      return global.name == "torch.Tensor" ? NamedType::kTensorMeta : NamedType::kTensorType;
    default:
      return NamedType::kClass;
  }
}

NamedType TypeOfName(std::string_view name) {
  if (const std::optional<std::uint32_t> global = FindGlobal(name)) return TypeOf(GlobalAt(*global));
  // A device has no dot. Any other name that is no layout is a class or function that is not known here.
  if (name.find('.') == std::string_view::npos) return NamedType::kDevice;
  return IsLayout(name) ? NamedType::kLayout : NamedType::kClass;
}

// The allow-listed functions make tensors that are not dense.
NamedType TypeOfObject(const Global& global) {
  return global.kind == K::kTensorClass ? NamedType::kItself : NamedType::kTensor;
}

}  // namespace loadpath
