#include "corpus.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace mappings::language::testing {

namespace {

/// A file may hold several messages, with any line end: each begins with MSH at the start of a line.
void split(std::string const& name, std::string const& text, std::vector<Sample>& samples) {
  std::string current;
  std::size_t count = 0;
  auto const flush = [&] {
    if (!current.empty()) samples.push_back({name + "#" + std::to_string(++count), std::move(current)});
    current.clear();
  };
  std::size_t begin = 0;
  while (begin < text.size()) {
    auto const end = std::min(text.find_first_of("\r\n", begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    std::erase_if(line, [](char c) { return c == '\x0b' || c == '\x1c'; });
    if (line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
    if (line.starts_with("MSH")) flush();
    bool const envelope = line.starts_with("FHS") || line.starts_with("BHS") || line.starts_with("BTS") ||
                          line.starts_with("FTS");
    if (envelope) flush();
    if (!line.empty() && !envelope && (line.starts_with("MSH") || !current.empty())) current += line + "\r";
  }
  flush();
}

}  // namespace

std::vector<Sample> corpus() {
  std::vector<Sample> samples;
  std::filesystem::path const root = std::filesystem::path(HANDOFF_SHARED_DIR) / "corpora" / "hl7v2";
  if (!std::filesystem::exists(root)) return samples;
  std::vector<std::filesystem::path> files;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(root)) {
    auto const extension = entry.path().extension().string();
    if (entry.is_regular_file() && (extension == ".hl7" || extension == ".er7" || extension == ".txt"))
      files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (auto const& file : files) {
    std::ifstream in(file, std::ios::binary);
    std::string const text{std::istreambuf_iterator<char>(in), {}};
    split(std::filesystem::relative(file, root).string(), text, samples);
  }
  return samples;
}

std::optional<hl7v2::Message> parse(std::string_view bytes) {
  fhir::Issues warnings;
  hl7v2::ParseOptions options;
  options.allow_utf16 = true;  // they are files
  auto message = hl7v2::Message::parse(bytes, options, warnings);
  if (!message) return std::nullopt;
  return std::move(*message);
}

}  // namespace mappings::language::testing
