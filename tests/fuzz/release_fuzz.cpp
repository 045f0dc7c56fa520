/// A file of a terminology release from outside. The first byte says which, the rest comes in two pieces. It
/// is read or refused, and the split makes no difference.
#include "fhir/terminology/release/release.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace fhir;
using namespace fhir::terminology;

struct Kind {
  Release release;
  std::string_view name;
};
constexpr std::array<Kind, 7> kKinds{
    {{Release::snomed_ct, "sct2_Concept_Snapshot_INT_20260101.txt"},
     {Release::snomed_ct, "sct2_Description_Snapshot-en_INT_20260101.txt"},
     {Release::snomed_ct, "sct2_Relationship_Snapshot_INT_20260101.txt"},
     {Release::snomed_ct, "der2_cRefset_LanguageSnapshot-en_INT_20260101.txt"},
     {Release::loinc, "Loinc.csv"},
     {Release::rxnorm, "RXNCONSO.RRF"},
     {Release::rxnorm, "RXNREL.RRF"}}};

/// Everything told, one after another.
class Notes : public ReleaseSink {
 public:
  Result<void> add_concept(std::string_view code, std::string_view display, bool inactive) override {
    return note({code, display, inactive ? "0" : "1"});
  }
  Result<void> add_designation(std::string_view id, std::string_view code, std::string_view language,
                               std::string_view use, std::string_view value) override {
    return note({id, code, language, use, value});
  }
  Result<void> prefer(std::string_view id, int) override { return note({id}); }
  Result<void> add_parent(std::string_view child, std::string_view parent) override {
    return note({child, parent});
  }
  Result<void> add_property(std::string_view code, std::string_view property, std::string_view type,
                            std::string_view value) override {
    return note({code, property, type, value});
  }
  void note_version(std::string_view version) override { (void)note({version}); }

  std::string text;

 private:
  Result<void> note(std::initializer_list<std::string_view> parts) {
    for (std::string_view const part : parts) text.append(part).append(1, '\1');
    return {};
  }
};

std::string read(Kind const& kind, std::string_view bytes, std::size_t cut) {
  Notes notes;
  auto const file = open_release_file(kind.release, kind.name, notes);
  auto const finish = [&](Result<void> const& result) {
    return result ? notes.text : notes.text + "refused: " + to_line(result.error());
  };
  if (auto const fed = file->feed(bytes.substr(0, cut)); !fed) return finish(fed);
  if (auto const fed = file->feed(bytes.substr(cut)); !fed) return finish(fed);
  return finish(file->finish());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 2) return 0;
  Kind const& kind = kKinds[data[0] % kKinds.size()];
  std::string_view const bytes(reinterpret_cast<char const*>(data) + 2, size - 2);
  std::size_t const cut = bytes.empty() ? 0 : data[1] % bytes.size();
  if (read(kind, bytes, cut) != read(kind, bytes, bytes.size())) std::abort();
  return 0;
}
