/// `vocabulary` sections and `constant` declarations.
#include "mappings/language/readers.hpp"

namespace mappings::language {

namespace {

class VocabularyReader : public PartReader {
 public:
  using PartReader::PartReader;

  void read_constant(Line const& line, std::vector<Cell> const& words) {
    bool const shaped =
        words.size() >= 5 && (words[2].text == "CodeableConcept" || words[2].text == "Coding");
    if (!shaped)
      return fail(line, line.column, "", "constant NAME CodeableConcept|Coding SYSTEM CODE [display]");
    if (program_.find_constant(words[1].text) != nullptr)
      return fail(line, words[1].column, "",
                  "constant " + std::string(words[1].text) + " is declared twice; remove one");
    std::string display;
    if (words.size() > 5) display = line.text.substr(words[5].column - line.column);
    program_.constants.push_back({std::string(words[1].text), words[2].text == "CodeableConcept",
                                  std::string(words[3].text), std::string(words[4].text),
                                  std::move(display)});
  }

  void read_vocabularies() {
    on_.each_section("vocabulary", [&](Section const& section) {
      if (section.words.size() != 5 || section.words[3].text != "->")
        return fail(section.head, section.head.column, "", "vocabulary NAME V2-SYSTEM -> FHIR-SYSTEM");
      std::string_view const name = section.words[1].text;
      types::Vocabulary* vocabulary = nullptr;
      for (auto& known : program_.vocabularies) {
        if (known.name == name) vocabulary = &known;
      }
      if (vocabulary != nullptr && !section.overlay)
        return fail(section.head, section.words[1].column, "",
                    "vocabulary " + std::string(name) +
                        " is declared twice; merge the two, or start the file with 'overlay NAME'");
      if (vocabulary == nullptr) vocabulary = &program_.vocabularies.emplace_back();
      vocabulary->name = name;
      vocabulary->v2_system = system_uri(section.words[2].text);
      vocabulary->fhir_system = system_uri(section.words[4].text);
      for (Line const& line : section.lines) read_entry(line, *vocabulary, section.overlay);
    });
  }

  void read_entry(Line const& line, types::Vocabulary& vocabulary, bool overlay) {
    auto const words = split_words({line.text, line.column});
    bool const formed =
        words.size() >= 3 && (words[1].text == "<->" || words[1].text == "->" || words[1].text == "<-");
    if (!formed)
      return fail(line, line.column, vocabulary.name,
                  "CODE <-> code, CODE -> code or CODE <- code, then a display in quotes");
    types::Vocabulary::Entry entry;
    entry.v2 = unquoted(words[0].text);
    entry.forward = words[1].text != "<-";
    entry.reverse = words[1].text != "->";
    std::string_view const target = words[2].text;
    auto const bar = target.rfind('|');
    entry.target.system =
        bar == std::string_view::npos ? vocabulary.fhir_system : system_uri(target.substr(0, bar));
    entry.target.code = unquoted(bar == std::string_view::npos ? target : target.substr(bar + 1));
    if (words.size() > 3) entry.target.display = unquoted(words[3].text);
    if (words.size() > 4)
      return fail(line, words[4].column, vocabulary.name,
                  "nothing is expected here; put the display in quotes");
    if (entry.v2 == "*") {
      if (words[1].text != "->")
        return fail(line, words[1].column, vocabulary.name,
                    "'*' stands for any other code: only -> makes sense");
      vocabulary.otherwise = entry.target;
      return;
    }
    for (auto known = vocabulary.entries.begin(); known != vocabulary.entries.end(); ++known) {
      bool const same_v2 =
          entry.forward && known->forward && types::equals_ignoring_case(known->v2, entry.v2);
      bool const same_fhir = entry.reverse && known->reverse && known->target.system == entry.target.system &&
                             known->target.code == entry.target.code;
      if (overlay && (same_v2 || same_fhir)) {
        if (same_v2) known->forward = false;
        if (same_fhir) known->reverse = false;
        continue;
      }
      if (same_v2)
        return fail(line, words[0].column, vocabulary.name,
                    entry.v2 + " has two targets (" + known->target.code + ", " + entry.target.code +
                        "); make one of them <-");
      if (same_fhir)
        return fail(line, words[2].column, vocabulary.name,
                    entry.target.code + " has two v2 codes (" + known->v2 + ", " + entry.v2 +
                        "); make the less preferred one ->");
    }
    vocabulary.entries.push_back(std::move(entry));
  }
};

}  // namespace

void read_constant(Building& on, Line const& line, std::vector<Cell> const& words) {
  VocabularyReader(on).read_constant(line, words);
}

void read_vocabularies(Building& on) { VocabularyReader(on).read_vocabularies(); }

}  // namespace mappings::language
