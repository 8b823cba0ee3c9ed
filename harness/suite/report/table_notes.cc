#include "harness/suite/report/table_notes.h"

#include <algorithm>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/results/statistics.h"
#include "harness/suite/report/table.h"

namespace loadpath {

std::string Reasons::Text(const std::string& head, const std::string& reason, const std::string& indent) {
  constexpr std::size_t kMostLines = 5;
  std::string text = Wrapped(head + OneLine(reason), width_, indent);
  std::size_t end = 0;
  for (std::size_t line = 0; line < kMostLines && end != std::string::npos; ++line) end = text.find('\n', end + 1);
  if (end == std::string::npos) return text;
  cut_ = true;
  return text.substr(0, end) + " ...";
}

std::string SkippedText(std::span<const Record> records, Reasons& reasons) {
  struct Skipped {
    std::string reason;
    std::size_t cases = 0;
    std::vector<std::string> paths;
  };
  std::vector<Skipped> all;
  for (const Record& record : records) {
    if (record.status != Status::kSkipped) continue;
    auto found = std::ranges::find(all, record.reason, &Skipped::reason);
    if (found == all.end()) found = all.insert(found, {record.reason, 0, {}});
    ++found->cases;
    if (std::ranges::find(found->paths, record.path) == found->paths.end()) found->paths.push_back(record.path);
  }
  std::string text(all.empty() ? "" : "\n");
  for (const Skipped& one : all) {
    const std::string head = "skipped " + std::to_string(one.cases) + " (" + CommaList(one.paths) + "): ";
    text.append(reasons.Text(head, one.reason, "  ")).append("\n");
  }
  return text;
}

std::string SummaryText(std::span<const Record> records, const RunNotes& notes, std::size_t width) {
  struct Fastest {
    std::string model, state;
    const Record *any = nullptr, *own = nullptr;
    std::size_t compared = 0;
  };
  std::vector<Fastest> all;
  std::size_t wrong = 0;
  for (const Record& record : records) {
    if (record.status == Status::kError && record.kind != CaseKind::kLimit) ++wrong;
    if (record.status != Status::kOk || record.kind != CaseKind::kLoad) continue;
    std::string state(Name(*record.cache));
    if (!record.device->text().starts_with("cpu")) state += " " + record.device->text();
    if (record.memory == MemoryState::kReturned) state += " into returned memory";
    auto found =
        std::ranges::find_if(all, [&](const Fastest& one) { return one.model == record.model && one.state == state; });
    if (found == all.end()) found = all.insert(found, {.model = record.model, .state = state});
    ++found->compared;
    const auto take = [&record](const Record*& best) {
      if (best == nullptr || Median(WallNs(record)) < Median(WallNs(*best))) best = &record;
    };
    take(found->any);
    if (!record.bytes_mapped) take(found->own);
  }
  std::erase_if(all, [](const Fastest& one) { return one.compared < 2; });
  const auto told = [](const Record& record) {
    return record.path + " of " + record.format + "/" + record.layout + ", " + TimeText(Median(WallNs(record)));
  };
  constexpr std::size_t kMost = 10;
  std::string text;
  for (const Fastest& one : std::span(all).first(std::min(all.size(), kMost))) {
    std::string sentence = "fastest " + one.state + " load of " + one.model + ": " + told(*one.any);
    if (one.own != nullptr && one.own != one.any) sentence += "; into memory of its own: " + told(*one.own);
    text += Wrapped(sentence, width, "  ") + "\n";
  }
  if (all.size() > kMost) text += "… and of " + Counted(all.size() - kMost, "more model") + " (--json has them)\n";
  if (wrong > 0) text += Counted(wrong, "case") + (wrong == 1 ? " is wrong\n" : " are wrong\n");
  const bool timed = std::ranges::any_of(records, [](const Record& one) { return one.status == Status::kOk; });
  if (!notes.warnings.empty() || !timed) return text;
  // The kernel counts processor time in hundredths of a second.
  constexpr double kLongEnough = 2e9;
  double sampled = 0;
  for (const Record& record : records) {
    for (const Sample& sample : record.samples) sampled += static_cast<double>(sample.wall_ns);
  }
  text += sampled < kLongEnough ? "too little was sampled to tell whether other processes disturbed the times\n"
                                : "no other process disturbed the times\n";
  return text;
}

std::string NotesText(const RunNotes& notes, const std::string& left_out, bool cut, std::size_t width) {
  std::vector<std::string> sentences;
  if (notes.interrupted) sentences.emplace_back("interrupted: what was measured until then is shown");
  for (const std::string& warning : notes.warnings) sentences.push_back("warning: " + warning);
  if (notes.memory_was_returned) {
    sentences.emplace_back(
        "the host of this machine takes free memory back: the first touch of it is slow (docs/measuring.md)");
  }
  if (!left_out.empty()) sentences.push_back(left_out);
  if (cut) sentences.emplace_back("...: cut off here; --json writes every reason whole");
  std::string text;
  for (const std::string& sentence : sentences) text += Wrapped(sentence, width, "  ") + "\n";
  return text.empty() ? text : text + "\n";
}

std::string MachineText(const Context& context, std::size_t width) {
  static constexpr std::string_view kShown[] = {"cpu",      "processors", "memory",  "version", "commit",
                                                "libtorch", "build_type", "threads", "seed",    "date"};
  std::string text, line;
  for (const auto& [name, value] : context) {
    if (std::ranges::find(kShown, name) == std::end(kShown)) continue;
    const std::string fact =
        name + " " + (name == "commit" ? value.substr(0, 12) + (value.ends_with("-dirty") ? "-dirty" : "") : value);
    if (!line.empty() && line.size() + 2 + fact.size() > width) {
      text += line + ",\n";
      line.clear();
    }
    line += (line.empty() ? "" : ", ") + fact;
  }
  return text + line + "\n";
}

}  // namespace loadpath
