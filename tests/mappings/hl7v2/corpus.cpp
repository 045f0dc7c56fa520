#include "tests/mappings/hl7v2/corpus.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

namespace mappings::hl7v2::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> corpus_files() {
  static std::set<std::string> const kExtensions{".hl7", ".txt", ".er7", ".ndhl7"};
  std::vector<fs::path> files;
  if (shared_directory().empty()) return files;
  for (auto const& entry : fs::recursive_directory_iterator(shared_directory() + "/corpora/hl7v2")) {
    if (entry.is_regular_file() && kExtensions.contains(entry.path().extension().string()))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool is_envelope(std::string_view line) {
  for (std::string_view const id : {"FHS", "BHS", "BTS", "FTS"}) {
    if (line.starts_with(id)) return true;
  }
  return false;
}

// Cuts a file at each line that starts with MSH; a file without any is one case of its own, which must be
// refused.
std::vector<std::string> cut(std::string const& file) {
  std::vector<std::string> messages(1);
  bool has_header = false;
  for (std::size_t begin = 0; begin < file.size();) {
    auto end = file.find_first_of("\r\n", begin);
    end = end == std::string::npos ? file.size() : end + 1;
    auto const line = std::string_view(file).substr(begin, end - begin);
    begin = end;
    if (is_envelope(line)) continue;
    if (line.starts_with("MSH")) {
      if (has_header) messages.emplace_back();
      has_header = true;
    }
    messages.back() += line;
  }
  return messages;
}

}  // namespace

std::string shared_directory() {
  static std::string const directory = fs::exists(HANDOFF_SHARED_DIR "/corpora") ? HANDOFF_SHARED_DIR : "";
  return directory;
}

std::string read_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::size_t corpus_file_count() { return corpus_files().size(); }

std::vector<CorpusMessage> const& corpus_messages() {
  static std::vector<CorpusMessage> const messages = [] {
    std::vector<CorpusMessage> found;
    auto const root = fs::path(shared_directory()) / "corpora/hl7v2";
    for (auto const& path : corpus_files()) {
      auto const parts = cut(read_file(path.string()));
      for (std::size_t at = 0; at < parts.size(); ++at) {
        auto name = fs::relative(path, root).string();
        if (at > 0) name += "#" + std::to_string(at + 1);
        found.push_back({std::move(name), parts[at]});
      }
    }
    return found;
  }();
  return messages;
}

Message parse_or_throw(std::string_view bytes, ParseOptions const& options) {
  fhir::Issues warnings;
  auto message = Message::parse(bytes, options, warnings);
  if (!message) throw std::runtime_error(fhir::to_line(message.error()));
  return std::move(*message);
}

}  // namespace mappings::hl7v2::test
