#include "harness/suite/case.h"

#include <nlohmann/json.hpp>

#include "harness/base/error.h"

namespace loadpath {
namespace {

std::string Joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!part.empty()) text += (text.empty() ? "" : "/") + part;
  }
  return text;
}

// "batch:4"; nothing for 0.
std::string Numbered(std::string text, int number) {
  return number > 0 ? text.append(std::to_string(number)) : std::string();
}

template <class Enum>
Enum FromNameOrThrow(const std::string& name) {
  if (const auto value = FromName<Enum>(name)) return *value;
  throw std::invalid_argument("no such name: " + name);
}

}  // namespace

std::string Case::group() const { return Joined({std::string(Name(kind)), model, format, layout}); }

std::string Case::label() const {
  // The way to the outputs comes last: it is what forward passes of one model and batch are compared by.
  const bool forward = kind == CaseKind::kForward;
  return Joined({forward ? "" : path, device && kind != CaseKind::kLimit ? device->text() : "",
                 cache ? std::string(Name(*cache)) : "",
                 memory == MemoryState::kReturned ? std::string(Name(*memory)) : "", Numbered("batch:", batch),
                 forward ? path : "", Numbered("threads:", threads)});
}

std::string CaseToJson(const Case& one) {
  nlohmann::json json = {{"case", Name(one.kind)},        {"model", one.model},   {"format", one.format},
                         {"layout", one.layout},          {"path", one.path},     {"batch", one.batch},
                         {"threads", one.threads},        {"models", one.models}, {"file_layout", one.file_layout},
                         {"opened_once", one.opened_once}};
  if (one.device) json["device"] = one.device->text();
  if (one.cache) json["cache"] = Name(*one.cache);
  if (one.memory) json["memory"] = Name(*one.memory);
  if (one.checkpoint) json["checkpoint"] = {{"file", one.checkpoint->file}, {"key", one.checkpoint->key}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Case CaseFromJson(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    Case one;
    one.kind = FromNameOrThrow<CaseKind>(json.at("case"));
    json.at("model").get_to(one.model);
    json.at("format").get_to(one.format);
    json.at("layout").get_to(one.layout);
    json.at("path").get_to(one.path);
    json.at("batch").get_to(one.batch);
    json.at("threads").get_to(one.threads);
    json.at("models").get_to(one.models);
    json.at("file_layout").get_to(one.file_layout);
    json.at("opened_once").get_to(one.opened_once);
    if (json.contains("cache")) one.cache = FromNameOrThrow<CacheState>(json["cache"]);
    if (json.contains("memory")) one.memory = FromNameOrThrow<MemoryState>(json["memory"]);
    if (json.contains("device")) {
      one.device = DeviceName::Parse(json["device"].get<std::string>());
      if (!one.device) throw std::invalid_argument("no such device");
    }
    if (json.contains("checkpoint")) one.checkpoint = {json["checkpoint"].at("file"), json["checkpoint"].at("key")};
    return one;
  } catch (const std::exception& error) {
    throw UsageError("not a case: " + std::string(error.what()));
  }
}

}  // namespace loadpath
