#include "program.hpp"

#include "tests/support/temp_folder.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iconv.h>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <sys/wait.h>

namespace gateway::command::test {

namespace {

std::string quoted(std::string const& text) {
  std::string made = "'";
  for (char const c : text) made += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return made + "'";
}

std::vector<std::string> split(std::string const& text, char at) {
  std::vector<std::string> parts(1);
  for (char const c : text) {
    if (c == at && at != '\0')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

bool is_segment(std::string const& line, char field) {
  auto const is_name = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return line.size() >= 3 && std::all_of(line.begin(), line.begin() + 3, is_name) &&
         (line.size() == 3 || line[3] == field);
}

/// What may be called by its segment id; anything else is called by its place in the message.
bool is_name(std::string const& id) {
  auto const is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  return id.size() == 3 && is_letter(id[0]) &&
         std::ranges::all_of(id, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool is_envelope(std::string const& line) {
  static constexpr std::array<std::string_view, 4> kEnvelopes = {"FHS", "BHS", "BTS", "FTS"};
  return std::ranges::any_of(kEnvelopes, [&](std::string_view id) { return line.starts_with(id); });
}

}  // namespace

Ran run(std::vector<std::string> const& arguments, std::string_view input) {
  support::TempFolder const folder;
  std::ofstream(folder.file("in"), std::ios::binary) << input;
  std::string line = quoted(HANDOFF_PROGRAM);
  for (std::string const& argument : arguments) line += " " + quoted(argument);
  line += " <" + quoted(folder.file("in")) + " >" + quoted(folder.file("out")) + " 2>" +
          quoted(folder.file("err"));
  int const status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(folder.file("out")),
          read_file(folder.file("err"))};
}

std::string read_file(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> v2_files(std::filesystem::path const& root, std::set<std::string> const& endings) {
  std::vector<std::string> files;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && endings.contains(entry.path().extension().string()))
      files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

std::string in_utf8(std::string bytes) {
  bool const wide = bytes.starts_with("\xff\xfe");
  if (!wide && bytes.find("|SHIFT_JIS") == std::string::npos) return bytes;
  iconv_t const converter = iconv_open("UTF-8", wide ? "UTF-16" : "CP932");
  std::string text(4 * bytes.size(), '\0');
  char* from = bytes.data();
  char* to = text.data();
  std::size_t left = bytes.size(), room = text.size();
  bool const whole = iconv(converter, &from, &left, &to, &room) != static_cast<std::size_t>(-1);
  iconv_close(converter);
  if (!whole) throw std::runtime_error("a file is not in the character set that it names");
  text.resize(text.size() - room);
  return text;
}

std::vector<PlainMessage> split_file(std::string const& text) {
  std::vector<PlainMessage> messages(1);
  bool has_header = false;
  auto const first_end = text.find_first_of("\r\n");
  bool const ends_in_cr = first_end != std::string::npos && text[first_end] == '\r';
  bool after_lone_lf = false;
  for (std::size_t begin = 0; begin < text.size();) {
    auto const end = std::min(text.find_first_of("\r\n", begin), text.size());
    std::string line = text.substr(begin, end - begin);
    bool const lone_lf = end < text.size() && text[end] == '\n' && (end == 0 || text[end - 1] != '\r');
    begin = end + 1;
    std::erase_if(line, [](char c) { return c == '\x0b' || c == '\x1c'; });
    if (line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
    bool const joins = after_lone_lf && ends_in_cr;
    after_lone_lf = lone_lf;
    if (line.find_first_not_of(" \t") == std::string::npos || is_envelope(line)) continue;
    if (line.starts_with("MSH")) {
      if (has_header) messages.emplace_back();
      has_header = true;
    }
    auto& segments = messages.back().segments;
    // A line break inside a field: what follows is no segment.
    if (joins && !segments.empty() && segments[0].size() > 3 && !is_segment(line, segments[0][3]))
      segments.back() += "\\.br\\" + line;
    else
      segments.push_back(line);
  }
  return messages;
}

std::string PlainMessage::event() const {
  auto const fields = split(segments[0], segments[0][3]);
  return fields.size() > 8 ? fields[8] : std::string();
}

std::vector<std::string> leaves(PlainMessage const& message) {
  std::string const& header = message.segments.at(0);
  char const field_mark = header.at(3);
  auto const encoding = header.substr(4, header.find(field_mark, 4) - 4);
  auto const mark = [&](std::size_t at, char usual) { return at < encoding.size() ? encoding[at] : usual; };
  char const component_mark = mark(0, '^');
  char const repetition_mark = mark(1, '~');
  char const subcomponent_mark = mark(3, '&');
  std::vector<std::string> names;
  std::map<std::string, int> seen;
  for (std::size_t at = 0; at < message.segments.size(); ++at) {
    auto fields = split(message.segments[at], field_mark);
    int const occurrence = ++seen[fields[0]];
    std::string const name = (is_name(fields[0]) ? fields[0] : "segment " + std::to_string(at + 1)) +
                             (occurrence > 1 ? "[" + std::to_string(occurrence) + "]" : "");
    std::size_t first = 1;
    if (fields[0] == "MSH") {
      names.push_back(name + "-1.1.1");
      names.push_back(name + "-2.1.1");
      first = 2;
    }
    for (std::size_t field = first; field < fields.size(); ++field) {
      std::string const place = name + "-" + std::to_string(fields[0] == "MSH" ? field + 1 : field);
      auto const repetitions = split(fields[field], repetition_mark);
      for (std::size_t r = 0; r < repetitions.size(); ++r) {
        auto const components = split(repetitions[r], component_mark);
        for (std::size_t c = 0; c < components.size(); ++c) {
          auto const parts = split(components[c], subcomponent_mark);
          for (std::size_t p = 0; p < parts.size(); ++p) {
            if (parts[p].empty()) continue;
            names.push_back(place + (r > 0 ? "(" + std::to_string(r + 1) + ")" : "") + "." +
                            std::to_string(c + 1) + "." + std::to_string(p + 1));
          }
        }
      }
    }
  }
  return names;
}

}  // namespace gateway::command::test
