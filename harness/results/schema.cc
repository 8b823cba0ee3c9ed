#include <nlohmann/json.hpp>

#include "harness/results/fields.h"

namespace loadpath {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson RowSchema() {
  OrderedJson properties = OrderedJson::object();
  for (const ResultField& field : ResultFields()) {
    OrderedJson schema = field.schema();
    schema["description"] = field.description;
    properties[std::string(field.name)] = std::move(schema);
  }
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
}

// The fields that every row of this kind must have.
OrderedJson RequiredOf(CaseKind kind) {
  OrderedJson required = OrderedJson::array();
  for (const ResultField& field : ResultFields()) {
    if (field.RequiredOf(kind)) required.push_back(field.name);
  }
  return required;
}

OrderedJson TimedSchema() {
  OrderedJson kinds = OrderedJson::array();
  for (std::size_t i = 0; i < kNames<CaseKind>.size(); ++i) {
    const auto kind = static_cast<CaseKind>(i);
    kinds.push_back(
        {{"if", {{"properties", {{"case", {{"const", Name(kind)}}}}}}}, {"then", {{"required", RequiredOf(kind)}}}});
  }
  return {{"$ref", "#/$defs/row"},
          {"properties", {{"status", {{"const", Name(Status::kOk)}}}, {"reason", false}}},
          {"required", OrderedJson::array({"case"})},
          {"allOf", std::move(kinds)}};
}

OrderedJson NotTimedSchema() {
  return {{"$ref", "#/$defs/row"},
          {"properties",
           {{"status", {{"not", {{"const", Name(Status::kOk)}}}}},
            {"samples_ns", false},
            {"real_time", false},
            {"checked", false}}},
          {"required", OrderedJson::array({"name", "case", "status", "reason"})}};
}

OrderedJson ContextSchema() {
  return {
      {"type", "object"},
      {"description", "The machine, the versions and the command, by name"},
      {"required", OrderedJson::array({"schema_version", "caches", "date", "command", "version", "commit", "libtorch",
                                       "compiler", "build_type", "threads", "processors"})},
      {"properties",
       {{"schema_version", {{"const", kResultsSchemaVersion}}},
        {"caches",
         {{"type", "array"},
          {"items", {{"type", "object"}, {"required", OrderedJson::array({"type", "level", "size", "num_sharing"})}}},
          {"description", "The processor's caches, as Google Benchmark has them"}}},
        {"interrupted", {{"const", true}, {"description", "Not every case was measured as often as was asked for"}}},
        {"memory_was_returned",
         {{"const", true},
          {"description",
           "The host of this virtual machine takes free memory back: the first touch of it was seen to be slow"}}},
        {"warnings",
         {{"type", "array"},
          {"minItems", 1},
          {"items", {{"type", "string"}, {"minLength", 1}}},
          {"description", "What makes the times of this run worth less"}}}}},
      {"additionalProperties", {{"type", "string"}}}};
}

}  // namespace

OrderedJson ResultsSchema() {
  const auto rows = [](const char* type, const char* description) -> OrderedJson {
    return {{"type", "array"}, {"description", description}, {"items", {{"$ref", std::string("#/$defs/") + type}}}};
  };
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title",
           "What `bench --json` writes: Google Benchmark's shape with our fields. Times in nanoseconds, sizes in "
           "bytes."},
          {"type", "object"},
          {"required", OrderedJson::array({"context", "benchmarks", "not_timed"})},
          {"additionalProperties", false},
          {"properties",
           {{"context", ContextSchema()},
            {"benchmarks", rows("timed", "What was timed: one row a series")},
            {"not_timed", rows("not_timed", "What was skipped or is wrong")}}},
          {"$defs", {{"row", RowSchema()}, {"timed", TimedSchema()}, {"not_timed", NotTimedSchema()}}}};
}

}  // namespace loadpath
