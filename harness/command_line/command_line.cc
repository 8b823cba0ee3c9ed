#include "harness/command_line/command_line.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "harness/base/nearest.h"
#include "harness/base/text.h"

namespace loadpath {
namespace {

constexpr std::size_t kWidth = 100, kColumn = 28;  // of a line, and of the names of options

// Fills the lines of each paragraph. A line that begins with a blank is an example or a row, and stays as it is.
std::string Paragraphs(std::string_view text, std::size_t width) {
  std::string out, paragraph;
  const auto end_paragraph = [&] {
    if (!paragraph.empty()) out += Wrapped(paragraph, width) + '\n';
    paragraph.clear();
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line[0] != ' ') {
      paragraph.append(paragraph.empty() ? "" : " ").append(line);
      continue;
    }
    end_paragraph();
    out.append(line) += '\n';
  }
  end_paragraph();
  return out;
}

class Formatter : public CLI::Formatter {
 public:
  Formatter() { column_width(kColumn); }

  std::string make_option_desc(const CLI::Option* option) const override {
    return Wrapped(CLI::Formatter::make_option_desc(option), kWidth - kColumn);
  }
  std::string make_description(const CLI::App* app) const override {
    return Paragraphs(CLI::Formatter::make_description(app), kWidth);
  }
  std::string make_footer(const CLI::App* app) const override {
    return Paragraphs(CLI::Formatter::make_footer(app), kWidth);
  }
};

}  // namespace

void LayOutHelp(CLI::App& app) { app.formatter(std::make_shared<Formatter>()); }

std::size_t LineWidth(int fd, std::size_t most) {
  constexpr std::size_t kLeast = 40;
  std::size_t width = 0;
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    const std::string_view text(columns);
    std::from_chars(text.data(), text.data() + text.size(), width);
  }
  winsize terminal{};
  if (width == 0 && ::ioctl(fd, TIOCGWINSZ, &terminal) == 0) width = terminal.ws_col;
  return width == 0 ? most : std::clamp(width, std::min(kLeast, most), most);
}

CLI::Validator NotEmpty() {
  return {[](const std::string& text) { return text.empty() ? "is empty" : ""; }, ""};
}

std::string DidYouMeanFlag(const CLI::App& app, const std::string& flag) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    // What has no group is not for people.
    if (option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return DidYouMean(flag, flags);
}

}  // namespace loadpath
