#include "fhir/terminology/release/release.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace fhir::terminology {

std::string_view url_of(Release release) {
  switch (release) {
    case Release::snomed_ct:
      return "http://snomed.info/sct";
    case Release::loinc:
      return "http://loinc.org";
    case Release::rxnorm:
      break;
  }
  return "http://www.nlm.nih.gov/research/umls/rxnorm";
}

namespace {

constexpr std::string_view kIsA = "116680003";
constexpr std::string_view kPreferred = "900000000000548007";
// Language reference sets, best first: US English, GB English.
constexpr std::array<std::string_view, 2> kLanguages{"900000000000509007", "900000000000508004"};

using Record = RecordReader::Record;

/// A file whose first record may name its columns.
class Columns : public ReleaseFile {
 public:
  Columns(Delimiter delimiter, std::string_view name, ReleaseSink& sink, int order,
          std::vector<std::string_view> columns, bool has_head)
      : sink_(sink),
        reader_(delimiter, std::string(name)),
        order_(order),
        columns_(std::move(columns)),
        places_(columns_.size()),
        awaits_head_(has_head) {
    for (std::size_t i = 0; i < places_.size(); ++i) places_[i] = i;
  }

  Result<void> feed(std::string_view bytes) override { return reader_.feed(bytes, visit()); }
  Result<void> finish() override {
    FHIR_CHECK(reader_.finish(visit()));
    if (!awaits_head_) return {};
    return reader_.issue(IssueType::structure, "the file is empty: it has no line that names its columns");
  }
  int order() const override { return order_; }

 protected:
  virtual Result<void> take() = 0;
  /// The column of that number in the list given, "" beyond the end.
  std::string_view field(std::size_t column) const { return record_[places_[column]]; }
  ReleaseSink& sink() { return sink_; }

 private:
  RecordReader::Visit visit() {
    return [this](Record record) -> Result<void> {
      if (awaits_head_) {
        awaits_head_ = false;
        return read_head(record);
      }
      if (record.size() < needed_) {
        return reader_.issue(IssueType::structure,
                             fmt::format("the record has {} fields, not {}", record.size(), needed_));
      }
      record_ = record;
      return take();
    };
  }

  Result<void> read_head(Record head) {
    needed_ = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      auto const found = std::ranges::find(head, columns_[i]);
      if (found == head.end())
        return reader_.issue(IssueType::structure, fmt::format("the file has no column {}", columns_[i]));
      places_[i] = static_cast<std::size_t>(found - head.begin());
      needed_ = std::max(needed_, places_[i] + 1);
    }
    return {};
  }

  ReleaseSink& sink_;
  RecordReader reader_;
  int order_;
  std::vector<std::string_view> columns_;
  std::vector<std::size_t> places_;
  Record record_;
  bool awaits_head_;

 protected:
  std::size_t needed_ = columns_.size();
};

class SnomedConcepts : public Columns {
 public:
  SnomedConcepts(std::string_view name, ReleaseSink& to)
      : Columns(Delimiter::tab, name, to, 0, {"id", "active"}, true) {}
  Result<void> take() override { return sink().add_concept(field(0), {}, field(1) != "1"); }
};

class SnomedDescriptions : public Columns {
 public:
  SnomedDescriptions(std::string_view name, ReleaseSink& to)
      : Columns(Delimiter::tab, name, to, 1, {"id", "active", "conceptId", "languageCode", "typeId", "term"},
                true) {}
  Result<void> take() override {
    if (field(1) != "1") return {};
    return sink().add_designation(field(0), field(2), field(3), field(4), field(5));
  }
};

class SnomedLanguages : public Columns {
 public:
  SnomedLanguages(std::string_view name, ReleaseSink& to)
      : Columns(Delimiter::tab, name, to, 2,
                {"active", "refsetId", "referencedComponentId", "acceptabilityId"}, true) {}
  Result<void> take() override {
    if (field(0) != "1" || field(3) != kPreferred) return {};
    auto const rank = std::ranges::find(kLanguages, field(1)) - kLanguages.begin();
    return sink().prefer(field(2), static_cast<int>(rank));
  }
};

class SnomedRelationships : public Columns {
 public:
  SnomedRelationships(std::string_view name, ReleaseSink& to)
      : Columns(Delimiter::tab, name, to, 3, {"active", "sourceId", "destinationId", "typeId"}, true) {}
  Result<void> take() override {
    if (field(0) != "1") return {};
    if (field(3) == kIsA) return sink().add_parent(field(1), field(2));
    return sink().add_property(field(1), field(3), "valueCode", field(2));
  }
};

class LoincTable : public Columns {
 public:
  LoincTable(std::string_view name, ReleaseSink& to)
      : Columns(Delimiter::comma, name, to, 0,
                {"LOINC_NUM", "LONG_COMMON_NAME", "STATUS", "SHORTNAME", "VersionLastChanged", "COMPONENT",
                 "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP", "CLASS"},
                true) {}
  Result<void> take() override {
    FHIR_CHECK(sink().add_concept(field(0), field(1), field(2) == "DEPRECATED"));
    if (!field(3).empty()) FHIR_CHECK(sink().add_designation({}, field(0), "en", "SHORTNAME", field(3)));
    sink().note_version(field(4));
    FHIR_CHECK(sink().add_property(field(0), "STATUS", "valueString", field(2)));
    static constexpr std::array<std::string_view, 7> kParts{"COMPONENT", "PROPERTY",   "TIME_ASPCT", "SYSTEM",
                                                            "SCALE_TYP", "METHOD_TYP", "CLASS"};
    for (std::size_t i = 0; i < kParts.size(); ++i) {
      if (!field(5 + i).empty())
        FHIR_CHECK(sink().add_property(field(0), kParts[i], "valueString", field(5 + i)));
    }
    return {};
  }
};

/// RXNCONSO.RRF has no head; its columns are told by place: RXCUI 0, LAT 1, RXAUI 7, SAB 11, TTY 12, STR 14,
/// SUPPRESS 16.
class RxNormConcepts : public Columns {
 public:
  RxNormConcepts(std::string_view name, ReleaseSink& to)
      : Columns(Delimiter::pipe, name, to, 0,
                {"RXCUI", "LAT", "TS", "LUI", "STT", "SUI", "ISPREF", "RXAUI", "SAUI", "SCUI", "SDUI", "SAB",
                 "TTY", "CODE", "STR", "SRL", "SUPPRESS", "CVF"},
                false) {}
  Result<void> take() override {
    if (field(11) != "RXNORM") return {};
    bool const is_synonym = field(12) == "SY" || field(12) == "TMSY" || field(12) == "PSN";
    std::string_view const language = field(1) == "ENG" ? "en" : "";
    if (is_synonym) return sink().add_designation({}, field(0), language, field(12), field(14));
    FHIR_CHECK(sink().add_concept(field(0), field(14), field(16) == "O" || field(16) == "E"));
    return sink().add_property(field(0), "TTY", "valueCode", field(12));
  }
};

/// RXNREL.RRF: RXCUI1 0, RXCUI2 4, RELA 7, SAB 10. "RXCUI2 isa RXCUI1".
class RxNormRelations : public Columns {
 public:
  RxNormRelations(std::string_view name, ReleaseSink& to)
      : Columns(
            Delimiter::pipe, name, to, 1,
            {"RXCUI1", "RXAUI1", "STYPE1", "REL", "RXCUI2", "RXAUI2", "STYPE2", "RELA", "RUI", "SRUI", "SAB"},
            false) {}
  Result<void> take() override {
    if (field(10) != "RXNORM" || field(0).empty() || field(4).empty()) return {};
    if (field(7) == "isa") return sink().add_parent(field(4), field(0));
    if (field(7).empty() || field(7) == "inverse_isa") return {};
    return sink().add_property(field(4), field(7), "valueCode", field(0));
  }
};

template <class File>
std::unique_ptr<ReleaseFile> make(std::string_view name, ReleaseSink& sink) {
  return std::make_unique<File>(name, sink);
}

struct Kind {
  Release release;
  std::string_view begin;
  std::string_view end;
  std::unique_ptr<ReleaseFile> (*make)(std::string_view, ReleaseSink&);
};

constexpr std::array<Kind, 7> kKinds{
    {{Release::snomed_ct, "sct2_Concept_Snapshot", ".txt", make<SnomedConcepts>},
     {Release::snomed_ct, "sct2_Description_Snapshot", ".txt", make<SnomedDescriptions>},
     {Release::snomed_ct, "der2_cRefset_LanguageSnapshot", ".txt", make<SnomedLanguages>},
     {Release::snomed_ct, "sct2_Relationship_Snapshot", ".txt", make<SnomedRelationships>},
     {Release::loinc, "Loinc", ".csv", make<LoincTable>},
     {Release::rxnorm, "RXNCONSO", ".RRF", make<RxNormConcepts>},
     {Release::rxnorm, "RXNREL", ".RRF", make<RxNormRelations>}}};

/// The date of "sct2_Concept_Snapshot_INT_20240101.txt" as the edition's version.
void note_snomed_version(std::string_view name, ReleaseSink& sink) {
  auto const dot = name.rfind('.');
  auto const bar = name.rfind('_', dot);
  if (bar == std::string_view::npos || dot - bar != 9) return;
  std::string_view const date = name.substr(bar + 1, 8);
  if (!std::ranges::all_of(date, [](char c) { return c >= '0' && c <= '9'; })) return;
  bool const is_us = name.find("_US") != std::string_view::npos;
  sink.note_version(fmt::format("http://snomed.info/sct/{}/version/{}",
                                is_us ? "731000124108" : "900000000000207008", date));
}

}  // namespace

std::unique_ptr<ReleaseFile> open_release_file(Release release, std::string_view file_name,
                                               ReleaseSink& sink) {
  for (Kind const& kind : kKinds) {
    bool const is_exact = kind.release != Release::snomed_ct;
    bool const fits = file_name.starts_with(kind.begin) && file_name.ends_with(kind.end) &&
                      (!is_exact || file_name.size() == kind.begin.size() + kind.end.size());
    if (kind.release != release || !fits) continue;
    if (release == Release::snomed_ct) note_snomed_version(file_name, sink);
    return kind.make(file_name, sink);
  }
  return nullptr;
}

}  // namespace fhir::terminology
