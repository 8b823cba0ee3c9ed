#include "harness/suite/report/table_notes.h"

#include <algorithm>

#include "harness/base/text.h"

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

std::size_t SkipReasons::Number(const std::string& reason) {
  const auto index = static_cast<std::size_t>(std::ranges::find(reasons_, reason) - reasons_.begin());
  if (index == reasons_.size()) reasons_.push_back(reason);
  return index + 1;
}

std::string SkipReasons::Text(Reasons& reasons) const {
  std::string text(reasons_.empty() ? "" : "\n");
  for (std::size_t i = 0; i < reasons_.size(); ++i) {
    const std::string head = "skipped (" + std::to_string(i + 1) + ") ";
    text.append(reasons.Text(head, reasons_[i], std::string(head.size(), ' '))).append("\n");
  }
  return text;
}

std::string NotesText(const RunNotes& notes, const std::string& left_out, bool cut, std::size_t width) {
  std::vector<std::string> sentences;
  if (notes.interrupted) sentences.emplace_back("interrupted: what was measured until then is shown");
  for (const std::string& warning : notes.warnings) sentences.push_back("warning: " + warning);
  if (!left_out.empty()) sentences.push_back(left_out);
  if (cut) sentences.emplace_back("...: cut off here; --json writes every reason whole");
  std::string text;
  for (const std::string& sentence : sentences) text += Wrapped(sentence, width, "  ") + "\n";
  return text.empty() ? text : text + "\n";
}

std::string MachineText(const Context& context, std::size_t width) {
  static constexpr std::string_view kShown[] = {"cpu",      "processors", "memory",  "version", "commit",
                                                "libtorch", "build_type", "threads", "date"};
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
