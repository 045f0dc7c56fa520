/// The official R4 example resources, found at run time.
#pragma once

#include "fhir/json/reader.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace fhir::test {

constexpr std::size_t kOfficialExamples = 475;

inline std::filesystem::path shared_directory() { return HANDOFF_SHARED_DIR; }

struct Example {
  std::string name;
  std::string bytes;
};

/// Every .json file of a folder below the shared corpora, by name; none when the corpora are absent.
inline std::vector<Example> load_examples(std::string_view folder = "corpora/fhir-r4/official-examples") {
  std::vector<Example> examples;
  auto const directory = shared_directory() / folder;
  if (!std::filesystem::is_directory(directory)) return examples;
  for (auto const& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    examples.push_back({entry.path().filename().string(), {std::istreambuf_iterator<char>(file), {}}});
  }
  std::ranges::sort(examples, {}, &Example::name);
  return examples;
}

inline std::string read_file(std::filesystem::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Reads JSON that a test knows to be well formed.
inline json::Document read(std::string_view bytes) { return json::read_document(bytes).value(); }

}  // namespace fhir::test

#define SKIP_WITHOUT_SHARED()                                                             \
  do {                                                                                    \
    if (!std::filesystem::is_directory(fhir::test::shared_directory()))                   \
      GTEST_SKIP() << "the shared corpora are not at " << fhir::test::shared_directory(); \
  } while (false)
