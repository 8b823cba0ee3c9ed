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

}  // namespace

const ModuleAttributes::Found& ModuleAttributes::Of(Value object) {
  static constexpr std::string_view kNames[] = {"_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"};
  const Value attributes = heap_.object(object).attributes;
  if (!IsDict(heap_, attributes)) return none_;
  const auto [found, added] = found_.emplace(attributes.payload(), Found());
  if (!added) return found->second;
  const std::span<const Value> items = heap_.items(attributes);
  searched_ += items.size() / 2;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (!heap_.IsText(items[i])) continue;
    const auto* name = std::ranges::find(kNames, heap_.text(items[i]));
    // The last value under a key counts, as Python sees it.
    if (name != std::end(kNames)) found->second[static_cast<std::size_t>(name - std::begin(kNames))] = items[i + 1];
  }
  return found->second;
}

bool ModuleAttributes::IsModule(Value value) {
  if (!heap_.IsObject(value, NodeKind::kObject)) return false;
  const Found& found = Of(value);
  return IsDict(heap_, found[kParameters]) && IsDict(heap_, found[kBuffers]) && IsDict(heap_, found[kModules]);
}

ModuleParts ModuleAttributes::PartsOf(Value module) {
  ModuleParts parts;
  const Found found = Of(module);
  const auto each = [&](Value dict, const auto& take) {
    const std::span<const Value> items = heap_.items(dict);
    parts.searched += items.size() / 2;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (heap_.IsText(items[i]) && !items[i + 1].Is(Value::Tag::kNone)) take(items[i], items[i + 1]);
    }
  };
  HashSet<std::string_view> transient;
  for (const Value name : heap_.items(found[kTransient])) {
    ++parts.searched;
    if (heap_.IsText(name)) transient.insert(heap_.text(name));
  }
  each(found[kParameters], [&](Value key, Value value) { parts.state.emplace_back(key, value); });
  each(found[kBuffers], [&](Value key, Value value) {
    if (!transient.contains(heap_.text(key))) parts.state.emplace_back(key, value);
  });
  each(found[kModules], [&](Value key, Value value) {
    if (IsModule(value)) parts.children.emplace_back(key, value);
  });
  return parts;
}

void StateCollector::Charge(std::uint64_t count) {
  charged_ += count;
  if (charged_ > limits::kStateNameBytes) {
    source_.Fail(ErrorCode::kLimitExceeded,
                 "has modules that hold each other so often or so deep that their names cannot be listed");
  }
}

void StateCollector::Add(Value dict, const std::string& prefix, const ModuleParts::Named& named) {
  for (const auto& [key, value] : named) {
    std::string name = prefix + std::string(heap_.text(key));
    Charge(name.size() + 1);
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
    Charge(prefix.size() + 1);
    if (!inside.insert(child.payload()).second)
      source_.Fail(ErrorCode::kBadPickle, "has a module that contains itself");
    ModuleParts parts = parts_of_(child);
    Charge(parts.searched);
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
  ModuleAttributes attributes_of(heap);
  while (!open.empty()) {
    const Value value = open.back();
    open.pop_back();
    if (!value.Is(Value::Tag::kObject) || seen[value.payload()]) continue;
    seen[value.payload()] = true;
    if (attributes_of.IsModule(value)) {
      modules.push_back(value);
      continue;
    }
    const std::span<const Value> items = heap.items(value);
    open.insert(open.end(), items.begin(), items.end());
    open.push_back(heap.object(value).attributes);
  }
  // All of them first: one may be a part of another.
  StateCollector collector(source, heap, [&](Value module) { return attributes_of.PartsOf(module); });
  std::vector<Value> states;
  states.reserve(modules.size());
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
