#include "harness/checkpoint/pickle/module_state.h"

#include <algorithm>
#include <string>

#include "harness/base/keyed_hash.h"
#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

bool IsDict(const Heap& heap, Value value) {
  return heap.IsObject(value, NodeKind::kDict) || heap.IsObject(value, NodeKind::kOrderedDict);
}

// The last value under a text key, as Python sees it.
const Value* Lookup(const Heap& heap, Value dict, std::string_view key) {
  const std::span<const Value> items = heap.items(dict);
  for (std::size_t i = items.size(); i >= 2; i -= 2) {
    if (heap.IsText(items[i - 2]) && heap.text(items[i - 2]) == key) return &items[i - 1];
  }
  return nullptr;
}

const Value* Attribute(const Heap& heap, Value object, std::string_view name) {
  const Value attributes = heap.object(object).attributes;
  return IsDict(heap, attributes) ? Lookup(heap, attributes, name) : nullptr;
}

ModuleParts PartsOfPickled(const Heap& heap, Value module) {
  ModuleParts parts;
  const auto each = [&](std::string_view name, const auto& take) {
    const Value* dict = Attribute(heap, module, name);
    if (dict == nullptr) return;
    const std::span<const Value> items = heap.items(*dict);
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (heap.IsText(items[i]) && !items[i + 1].Is(Value::Tag::kNone)) take(items[i], items[i + 1]);
    }
  };
  HashSet<std::string_view> transient;
  if (const Value* names = Attribute(heap, module, "_non_persistent_buffers_set"); names != nullptr) {
    for (const Value name : heap.items(*names)) {
      if (heap.IsText(name)) transient.insert(heap.text(name));
    }
  }
  each("_parameters", [&](Value key, Value value) { parts.state.emplace_back(key, value); });
  each("_buffers", [&](Value key, Value value) {
    if (!transient.contains(heap.text(key))) parts.state.emplace_back(key, value);
  });
  each("_modules", [&](Value key, Value value) {
    if (IsPickledModule(heap, value)) parts.children.emplace_back(key, value);
  });
  return parts;
}

}  // namespace

bool IsPickledModule(const Heap& heap, Value value) {
  if (!heap.IsObject(value, NodeKind::kObject) || !IsDict(heap, heap.object(value).attributes)) return false;
  for (const std::string_view name : {"_parameters", "_buffers", "_modules"}) {
    const Value* dict = Attribute(heap, value, name);
    if (dict == nullptr || !IsDict(heap, *dict)) return false;
  }
  return true;
}

void StateCollector::Add(Value dict, const std::string& prefix, const ModuleParts::Named& named) {
  for (const auto& [key, value] : named) {
    std::string name = prefix + std::string(heap_.text(key));
    name_bytes_ += name.size() + 1;
    if (name_bytes_ > limits::kStateNameBytes) {
      source_.Fail(ErrorCode::kLimitExceeded,
                   "has modules that hold each other so often or so deep that their names cannot be listed");
    }
    const Value text = heap_.OwnedText(std::move(name));
    std::vector<Value>& items = heap_.lists[heap_.object(dict).begin];
    items.push_back(text);
    items.push_back(value);
  }
}

ModuleState StateCollector::Collect(Value module) {
  struct Level {
    Value module;
    std::string prefix;
    ModuleParts::Named children;
    std::size_t next = 0;
  };
  ModuleState result{heap_.Growing(NodeKind::kOrderedDict), heap_.Growing(NodeKind::kOrderedDict)};
  std::vector<Level> levels;
  HashSet<std::uint64_t> inside;
  const auto enter = [&](Value child, std::string prefix) {
    name_bytes_ += prefix.size() + 1;
    if (name_bytes_ > limits::kStateNameBytes) {
      source_.Fail(ErrorCode::kLimitExceeded,
                   "has modules that hold each other so often or so deep that their names cannot be listed");
    }
    if (!inside.insert(child.payload()).second)
      source_.Fail(ErrorCode::kBadPickle, "has a module that contains itself");
    ModuleParts parts = parts_of_(child);
    Add(result.state, prefix, parts.state);
    Add(result.others, prefix, parts.others);
    levels.push_back({child, std::move(prefix), std::move(parts.children)});
  };
  enter(module, "");
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.next == level.children.size()) {
      inside.erase(level.module.payload());
      levels.pop_back();
      continue;
    }
    const auto [key, child] = level.children[level.next++];
    enter(child, level.prefix + std::string(heap_.text(key)) + ".");
  }
  return result;
}

Value CollectModules(const FileSource& source, Heap& heap, Value root) {
  std::vector<Value> open{root}, modules;
  std::vector<bool> seen(heap.objects.size());
  while (!open.empty()) {
    const Value value = open.back();
    open.pop_back();
    if (!value.Is(Value::Tag::kObject) || seen[value.payload()]) continue;
    seen[value.payload()] = true;
    if (IsPickledModule(heap, value)) {
      modules.push_back(value);
      continue;
    }
    const std::span<const Value> items = heap.items(value);
    open.insert(open.end(), items.begin(), items.end());
    open.push_back(heap.object(value).attributes);
  }
  // All of them first: one may be a part of another.
  StateCollector collector(source, heap, [&](Value module) { return PartsOfPickled(heap, module); });
  std::vector<Value> states;
  for (const Value module : modules) states.push_back(collector.Collect(module).state);
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const Value attributes = heap.Growing(NodeKind::kDict), key = heap.OwnedText("class"),
                name = heap.OwnedText(std::string(heap.ClassOf(heap.object(modules[i]))));
    heap.lists[heap.object(attributes).begin] = {key, name};
    heap.object(states[i]).attributes = attributes;
    heap.object(modules[i]) = heap.object(states[i]);
  }
  return root;
}

}  // namespace loadpath
