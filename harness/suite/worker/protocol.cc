#include "harness/suite/worker/protocol.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "harness/base/text.h"
#include "harness/results/fields.h"

namespace loadpath {
namespace {

constexpr std::size_t kQuoted = 80;

std::string OneLineOf(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::string StartRequest(const Case& one, std::int64_t started_at) {
  return OneLineOf({{"v", kWorkerVersion},
                    {"do", "start"},
                    {"case", nlohmann::ordered_json::parse(CaseToJson(one))},
                    {"started_at", started_at}});
}

std::string ToLine(const WorkerSamples& samples) {
  nlohmann::ordered_json json = {{"case", samples.name}, {"status", Name(samples.status)}};
  if (!samples.reason.empty()) json["reason"] = samples.reason;
  if (samples.dropped > 0) json["dropped"] = samples.dropped;
  if (samples.bytes > 0) json["bytes"] = samples.bytes;
  if (!samples.difference.empty()) json["difference"] = samples.difference;
  if (samples.first) json["first"] = ToJson(*samples.first);
  json["samples"] = nlohmann::ordered_json::array();
  for (const Sample& sample : samples.samples) json["samples"].push_back(ToJson(sample));
  return OneLineOf(json);
}

WorkerSamples ParseSamples(std::string_view line) {
  std::string what = "is no JSON object";
  try {
    const auto json = nlohmann::ordered_json::parse(line);
    if (json.is_object()) {
      if (json.contains("error")) throw std::runtime_error("answered: " + OneLine(json["error"].get<std::string>()));
      WorkerSamples answer{.name = json.at("case").get<std::string>()};
      const auto status = FromName<Status>(json.at("status").get<std::string>());
      if (status) {
        answer.status = *status;
        answer.reason = json.value("reason", "");
        answer.dropped = json.value("dropped", std::uint64_t{0});
        answer.bytes = json.value("bytes", std::uint64_t{0});
        answer.difference = json.value("difference", "");
        if (json.contains("first")) answer.first = SampleFromJson(json["first"]);
        for (const auto& sample : json.at("samples")) answer.samples.push_back(SampleFromJson(sample));
        return answer;
      }
      what = "has a status that is not known";
    }
  } catch (const nlohmann::ordered_json::exception& error) {
    what = error.what();
  }
  throw std::runtime_error("answered what is not the language of a worker: " + Escaped(line.substr(0, kQuoted)) +
                           (line.size() > kQuoted ? "…" : "") + " (" + OneLine(what) + ")");
}

}  // namespace loadpath
