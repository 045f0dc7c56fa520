/// Map files to a Program: sections are gathered first, then read in the order in which they need each other
/// (vocabularies, events, segments, structures). Every fault is reported; nothing is compiled in part.
#include "mappings/language/digest.hpp"
#include "mappings/language/readers.hpp"

#include <algorithm>
#include <array>

namespace mappings::language {

namespace {

class Gatherer : public PartReader {
 public:
  using PartReader::PartReader;

  void run(std::span<SourceFile const> files) {
    static constexpr std::array<std::string_view, 4> kSections = {"segment", "structure", "events",
                                                                  "vocabulary"};
    for (SourceFile const& file : files) {
      Section* section = nullptr;
      bool overlay = false;
      for (Line const& line : split_lines(file.name, file.text)) {
        auto const words = split_words({line.text, line.column});
        std::string_view const first = words[0].text;
        if (std::ranges::find(kSections, first) != kSections.end() && !line.is_row()) {
          section = &on_.sections.emplace_back(Section{first, line, words, {}, overlay});
        } else if (first == "overlay" && words.size() == 2) {
          overlay = true;
          section = nullptr;
        } else if (first == "disable" && words.size() == 2) {
          on_.disabled.emplace(words[1].text);
        } else if (first == "system" && words.size() == 3) {
          program_.systems.names.push_back({std::string(words[1].text), std::string(words[2].text)});
        } else if (first == "constant") {
          read_constant(on_, line, words);
        } else if (first == "kept" && words.size() > 1 && words[1].text[0] >= 'A') {
          read_kept(line, words, "");
        } else if (section != nullptr) {
          section->lines.push_back(line);
        } else {
          fail(line, line.column, "",
               "a section is expected: segment, structure, events, vocabulary, or constant, system, kept, "
               "overlay, disable");
        }
      }
    }
  }
};

}  // namespace

Compilation compile(std::span<SourceFile const> files) {
  auto program = std::make_shared<Program>();
  Building building{*program, {}, {}, {}, {}};
  Gatherer(building).run(files);
  read_vocabularies(building);
  read_event_tables(building);
  read_segments(building);
  read_structures(building);
  prove_rows(building);
  Digest digest;
  for (SourceFile const& file : files) {
    digest.add(file.name);
    digest.add(file.text);
  }
  program->hash = digest.hex().substr(0, 16);
  program->version = "handoff-" + program->hash;
  Compilation compilation{std::nullopt, std::move(building.issues)};
  bool const failed = std::ranges::any_of(
      compilation.issues, [](fhir::Issue const& issue) { return issue.severity <= fhir::Severity::error; });
  if (!failed) compilation.maps.emplace(std::move(program));
  return compilation;
}

}  // namespace mappings::language
