// Loads a file by LibTorch's own readers and prints the outcome. It is a program of its own, because a reader may
// crash.
//
//   foreign_load pickle_load|jit_load FILE
//   foreign_load version
//
// Prints one line of JSON: {"tensors": [{"path": […], "dtype", "shape", "sha256", "storage"}]} as `ckpt inspect
// --digest` does, or {"refused": the exception's text}. Tensors with equal "storage" share memory.
#include <ATen/core/Dict.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/serialize.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/golden/compare.h"
#include "harness/state/scalar_type.h"

namespace {

using nlohmann::json;

// A tensor may repeat one element (stride 0), so a small file may describe a huge tensor.
constexpr std::size_t kMaxBytes = std::size_t{1} << 28;

// The place of a value: its container's place and its key there.
struct Place {
  std::size_t parent;
  std::string key;
};

class Description {
 public:
  void Add(std::vector<std::string> path, const at::Tensor& tensor) {
    const auto dtype = loadpath::FromScalarType(tensor.scalar_type());
    const bool dense = tensor.layout() == at::kStrided && tensor.has_storage();
    const void* memory = dense ? tensor.storage().data() : nullptr;
    tensors_.push_back({{"path", std::move(path)},
                        {"dtype", dtype ? std::string(loadpath::Name(*dtype)) : c10::toString(tensor.scalar_type())},
                        {"shape", tensor.sizes().vec()},
                        {"sha256", dense && tensor.nbytes() <= kMaxBytes ? loadpath::Digest(tensor) : ""},
                        {"storage", storages_.emplace(memory, storages_.size()).first->second}});
  }

  // Adds every tensor in a tree of dicts, lists and tuples. Does not recurse: a file may nest without limit, and
  // contain itself.
  void AddTree(const at::IValue& root) {
    struct Waiting {
      at::IValue value;
      std::size_t place;
      bool leaving;
    };
    std::vector<Place> places{{0, ""}};
    std::vector<Waiting> waiting{{root, 0, false}};
    std::set<const void*> within;
    while (!waiting.empty()) {
      const auto [value, place, leaving] = waiting.back();
      waiting.pop_back();
      if (leaving) {
        within.erase(value.internalToPointer());
        continue;
      }
      if (value.isTensor()) {
        if (value.toTensor().defined()) Add(PathTo(places, place), value.toTensor());
        continue;
      }
      if (!value.isGenericDict() && !value.isList() && !value.isTuple()) continue;
      if (!within.insert(value.internalToPointer()).second) continue;
      waiting.push_back({value, place, true});
      std::vector<std::pair<std::string, at::IValue>> inside;
      if (value.isGenericDict()) {
        for (const auto& item : value.toGenericDict()) {
          inside.emplace_back(item.key().isString() ? item.key().toStringRef() : c10::str(item.key()), item.value());
        }
      } else if (value.isList()) {
        for (const at::IValue& item : value.toListRef()) inside.emplace_back(std::to_string(inside.size()), item);
      } else {
        for (const at::IValue& item : value.toTupleRef().elements())
          inside.emplace_back(std::to_string(inside.size()), item);
      }
      for (auto item = inside.rbegin(); item != inside.rend(); ++item) {
        places.push_back({place, item->first});
        waiting.push_back({item->second, places.size() - 1, false});
      }
    }
  }

  json Json() const { return {{"tensors", tensors_}}; }

 private:
  static std::vector<std::string> PathTo(const std::vector<Place>& places, std::size_t place) {
    std::vector<std::string> path;
    for (; place != 0; place = places[place].parent) path.push_back(places[place].key);
    std::reverse(path.begin(), path.end());
    return path;
  }

  json tensors_ = json::array();
  std::map<const void*, std::size_t> storages_;
};

json PickleLoad(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  Description description;
  description.AddTree(torch::pickle_load(bytes));
  return description.Json();
}

json JitLoad(const std::string& file) {
  const torch::jit::Module module = torch::jit::load(file);
  Description description;
  for (const auto& [name, tensor] : module.named_parameters()) description.Add({name}, tensor);
  for (const auto& [name, tensor] : module.named_buffers()) description.Add({name}, tensor);
  return description.Json();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && argv[1] == std::string("version")) {
    std::cout << LOADPATH_TORCH_VERSION "\n";
    return 0;
  }
  const std::string loader = argc == 3 ? argv[1] : "";
  if (loader != "pickle_load" && loader != "jit_load") {
    std::cerr << "usage: foreign_load pickle_load|jit_load FILE, or foreign_load version\n";
    return 2;
  }
  json outcome;
  try {
    outcome = loader == "pickle_load" ? PickleLoad(argv[2]) : JitLoad(argv[2]);
  } catch (const std::bad_alloc&) {
    outcome = {{"no memory", true}};
  } catch (const c10::Error& error) {
    outcome = {{"refused", error.what_without_backtrace()}};
  } catch (const std::exception& error) {
    outcome = {{"refused", error.what()}};
  }
  std::cout << outcome.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
}
