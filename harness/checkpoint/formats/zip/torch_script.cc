// TorchScript archives (torch.jit.save) and what torch::save of C++ writes
// (torch/csrc/jit/serialization/export_module.cpp, torch/csrc/api/src/serialize/output-archive.cpp): the module's
// objects in data.pkl, their classes as source text under code/. constants.pkl holds constants of that code, which are
// no state.
#include <algorithm>

#include "harness/base/error.h"
#include "harness/checkpoint/formats/zip/script_classes.h"
#include "harness/checkpoint/formats/zip/torch_archive.h"
#include "harness/checkpoint/pickle/module_state.h"

namespace loadpath {
namespace {

constexpr std::string_view kClasses = "__torch__.";

class TorchScript final : public PickledArchive {
 public:
  TorchScript(std::unique_ptr<FileSource> file, ZipDirectory found)
      : PickledArchive(std::move(file), std::move(found), false), classes_(source(), directory()) {
    ReadPickle([&](Heap& heap, Value root) { return StateOf(heap, root); });
  }
  std::span<const std::string> warnings() const override { return warnings_; }
  std::string_view format() const override { return from_cpp_ ? "cpp" : "torchscript"; }

 private:
  // Classes of the archive are inert; so are the custom classes of C++ libraries (quantised weights), whose state is
  // kept.
  std::optional<Value> ResolveName(Unpickler& unpickler, std::string_view module, std::string_view name) override {
    const std::string full = std::string(module) + "." + std::string(name);
    if (const std::optional<std::uint32_t> known = FindScriptGlobal(full)) return Value(Value::Tag::kGlobal, *known);
    if (!full.starts_with(kClasses)) return std::nullopt;
    if (full.find('\0') != std::string::npos) unpickler.Fail(ErrorCode::kBadPickle, "names a class with a NUL byte");
    return unpickler.heap().Class(full);
  }
  std::string_view Advice() const override { return {}; }

  // The class of a module, or nullptr.
  const ScriptClass* ModuleClass(const Heap& heap, Value value) {
    if (!heap.IsObject(value, NodeKind::kObject)) return nullptr;
    const std::string_view name = heap.ClassOf(heap.object(value));
    if (!name.starts_with(kClasses) || name.starts_with("__torch__.torch.classes.")) return nullptr;
    const ScriptClass& found = classes_.Find(name);
    return found.is_module ? &found : nullptr;
  }

  // torch.jit.freeze leaves an empty state_dict, which looks like a mistake.
  void WarnOfConstants() {
    std::uint64_t count = 0, bytes = 0;
    const std::string folder = std::string(directory().root()) + "constants/";
    for (const ZipRecord& record : directory().records()) {
      if (!directory().name(record).starts_with(folder)) continue;
      ++count;
      bytes += record.stored;  // as many as the file really has
    }
    if (count == 0) return;
    warnings_.push_back(
        "the state_dict is empty, and " + Counted(count, "tensor") + " of " + Counted(bytes, "byte") +
        " are constants of the code. torch.jit.freeze makes them of the weights: load what was saved before it");
  }

  Value StateOf(Heap& heap, Value root) {
    const ScriptClass* root_class = ModuleClass(heap, root);
    if (root_class == nullptr)
      source().Fail(ErrorCode::kBadArchive, "is a TorchScript archive whose data.pkl holds no module");
    const std::string_view name = heap.ClassOf(heap.object(root));
    from_cpp_ = !root_class->has_methods && name.ends_with(".Module") &&
                (name == "__torch__.Module" || name.starts_with("__torch__.___torch_mangle_"));
    StateCollector collector(source(), heap, [&](Value module) { return PartsOf(heap, module); });
    const ModuleState collected = collector.Collect(root);
    if (heap.items(collected.state).empty()) WarnOfConstants();
    if (!heap.items(collected.others).empty()) {
      const Value attributes = heap.Growing(NodeKind::kDict), key = heap.OwnedText("attributes");
      heap.lists[heap.object(attributes).begin] = {key, collected.others};
      heap.object(collected.state).attributes = attributes;
    }
    return collected.state;
  }

  // As torch.jit.RecursiveScriptModule.state_dict orders them: parameters, then buffers, then submodules, each in the
  // order of the class's attributes, which is that of the pickle.
  ModuleParts PartsOf(const Heap& heap, Value module) {
    const ScriptClass& cls = *ModuleClass(heap, module);
    ModuleParts parts;
    ModuleParts::Named buffers;
    const Value attributes = heap.object(module).attributes;
    if (!attributes.Is(Value::Tag::kNone) && !heap.IsObject(attributes, NodeKind::kDict))
      return parts;  // __getstate__'s own
    const std::span<const Value> items = heap.items(attributes);
    parts.searched = items.size() / 2;
    std::size_t listed = 0;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const Value key = items[i], value = items[i + 1];
      if (!heap.IsText(key))
        source().Fail(ErrorCode::kBadPickle, "has a module with an attribute whose name is not a string");
      const std::string name(heap.text(key));
      listed += cls.parameters.contains(name) ? 1 : 0;
      const bool tensor =
          heap.IsObject(value, NodeKind::kTensor) ||
          (heap.IsObject(value, NodeKind::kObject) && (heap.object(value).global & Object::kNamed) == 0);
      if (tensor && cls.parameters.contains(name)) {
        parts.state.emplace_back(key, value);
      } else if (tensor && cls.buffers.contains(name)) {
        buffers.emplace_back(key, value);
      } else if (ModuleClass(heap, value) != nullptr) {
        parts.children.emplace_back(key, value);
      } else if (!value.Is(Value::Tag::kNone) && name != "training") {
        parts.others.emplace_back(key, value);
      }
    }
    if (listed < cls.parameters.size())
      source().Fail(ErrorCode::kBadPickle, "has a module without a parameter that its class lists");
    parts.state.insert(parts.state.end(), buffers.begin(), buffers.end());
    return parts;
  }

  ScriptClasses classes_;
  std::vector<std::string> warnings_;
  bool from_cpp_ = false;
};

}  // namespace

std::shared_ptr<const SingleFile> OpenTorchScript(std::unique_ptr<FileSource> source, ZipDirectory directory) {
  return std::make_shared<TorchScript>(std::move(source), std::move(directory));
}

}  // namespace loadpath
