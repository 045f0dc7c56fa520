/// Google's unit tests of whistle 2: one data type, one segment or one message in, FHIR out. What has no
/// counterpart is named in google-parts.classes ("refused").
#include "fhir/json/reader.hpp"
#include "mappings/language/program.hpp"
#include "mappings/language/translator.hpp"
#include "mappings/types/pair.hpp"
#include "report.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"
#include "whistle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace mappings::peers {
namespace {

namespace fs = std::filesystem;
using fhir::json::Document;

struct Pair {
  std::string stem;
  Document input, output;
};

Document document(fs::path const& path) {
  auto read = fhir::json::read_document(hl7v2::test::read_file(path.string()));
  if (!read) throw std::runtime_error(path.string() + " " + fhir::to_line(read.error()));
  return std::move(*read);
}

std::vector<Pair> pairs_in(std::string const& folder) {
  fs::path const root = fs::path(hl7v2::test::shared_directory()) /
                        "corpora/hl7v2/google-healthcare-data-harmonization/whistle2-unit-tests" / folder;
  std::vector<Pair> pairs;
  for (auto const& entry : fs::directory_iterator(root)) {
    std::string const name = entry.path().filename().string();
    auto const end = name.find(".hl7.fhir.input.json");
    if (end == std::string::npos) continue;
    std::string const stem = name.substr(0, end);
    pairs.push_back({stem, document(entry.path()), document(root / (stem + ".hl7.fhir.output.json"))});
  }
  std::ranges::sort(pairs, {}, &Pair::stem);
  return pairs;
}

language::PartnerProfile sender() {
  language::PartnerProfile made;
  made.name = "site";
  return made;
}

/// The pair of ours for one of theirs, by its file; those that are not here have none.
std::map<std::string, std::string> const kPairs = {{"cne_codeableconcept", "CWE~CodeableConcept"},
                                                   {"cq_quantity", "CQ~Quantity"},
                                                   {"cwe_codeableconcept", "CWE~CodeableConcept"},
                                                   {"cx_identifier", "CX~Identifier"},
                                                   {"dln_identifier", "DLN~Identifier"},
                                                   {"dr_period", "DR~Period"},
                                                   {"ei_identifier", "EI~Identifier"},
                                                   {"cnn_practitioner", "CNN~Practitioner"},
                                                   {"cwe_coding", "CWE~Coding"},
                                                   {"cwe_organization", "CWE~Organization"},
                                                   {"cwe_quantity", "CWE~Units"},
                                                   {"st_identifier", "ST~Identifier"},
                                                   {"pl_location", "PL~Location"},
                                                   {"sn_quantity", "SN~value"},
                                                   {"sn_range", "SN~value"},
                                                   {"sn_ratio", "SN~value"},
                                                   {"xad_address", "XAD~Address"},
                                                   {"xcn_practitioner", "XCN~Practitioner"},
                                                   {"xon_organization", "XON~Organization"},
                                                   {"xpn_humanname", "XPN~HumanName"},
                                                   {"xtn_contactpoint", "XTN~ContactPoint"}};

/// What a pair of ours makes of the value; the SN pair says which value[x] it is, which theirs do not.
Element read_by(std::string const& name, std::string const& field, fhir::json::Arena& arena,
                hl7v2::Message const& message) {
  static language::PartnerProfile const partner = sender();
  types::Context const context{&arena, &message, &partner, &language::builtin().program().systems};
  types::In in(context, arena.copy(field), {1, 1, 1, 0, 0});
  Element made;
  if (!types::find_pair(name)->forward(in, made)) return {};
  return made.size() == 1 && made.members()[0].name.starts_with("value") &&
                 made.members()[0].value.is_object()
             ? made.members()[0].value
             : made;
}

/// The resource of that type among theirs (an assigner's Organization stands before it), else the only value.
Element const& expected_of(Element const& output, std::string_view type) {
  for (Element const& one : output.items())
    if (one.text_at("resourceType") == type) return one;
  return output.items().back();
}

/// What has neither pair nor segment map of its own is read where a message of ours has it: `{}` in the
/// segments behind MSH; what comes of it is the element of that resource, or the resource.
struct Placed {
  std::string event, version, segments;
  std::string resource, element;
};
std::string const kPatient = "PID|1||1^^^A^MR||Muster^Anna\r";
std::string const kOrderOf = kPatient + "ORC|NW\r";
Placed const kDosage = {"RDE^O11^RDE_O11", "2.5.1", kOrderOf + "RXE||1^x|5||mg\r{}\r", "MedicationRequest",
                        "dosageInstruction"};
Placed const kQuantityTiming = {"RDE^O11^RDE_O11", "2.5.1", kOrderOf + "RXE|{}|1^x\r", "MedicationRequest",
                                "dosageInstruction"};
Placed const kSpecimen = {"ORU^R01^ORU_R01", "2.5.1", kPatient + "{}\r", "Specimen", ""};
Placed const kDiagnosis = {"ADT^A01^ADT_A01", "2.8", "EVN||20250301\r" + kPatient + "PV1|1|I\r{}\r",
                           "Encounter", "diagnosis"};
std::string const kEpisode = "EVN||20250301\r" + kPatient + "PV1|1|I" + std::string(52, '|');
std::map<std::string, Placed> const kPlaced = {
    {"cm_specimen",
     {"ORU^R01^ORU_R01", "2.3", kPatient + "OBR|1|||1^x" + std::string(11, '|') + "{}\r", "Specimen", ""}},
    {"cx_episodeofcare", {"ADT^A01^ADT_A01", "2.8", kEpisode + "{}\r", "EpisodeOfCare", ""}},
    {"dg1_diagnosis", kDiagnosis},
    {"dg1_encounter", kDiagnosis},
    {"dg1_episodeofcare", {"ADT^A01^ADT_A01", "2.8", kEpisode + "E1\r{}\r", "EpisodeOfCare", "diagnosis"}},
    {"ei_condition", {"PPR^PC1^PPR_PC1", "2.8", kPatient + "PRB|AD|20250301|1^x|{}\r", "Condition", ""}},
    {"ndl_practitionerrole",
     {"ORU^R01^ORU_R01", "2.5.1", kPatient + "OBR|1|||1^x" + std::string(28, '|') + "{}\r", "Practitioner",
      ""}},
    {"nr_range",
     {"ORU^R01^ORU_R01", "2.5.1", kPatient + "OBR|1|||1^x\rOBX|1|NR|2^y||{}\r", "Observation", "valueRange"}},
    {"nte_annotation",
     {"ORU^R01^ORU_R01", "2.8", kPatient + "OBR|1|||1^x\rOBX|1|ST|2^y||z\r{}\r", "Observation", "note"}},
    {"obr_specimen", kSpecimen},
    {"pid_account", {"BAR^P01^BAR_P01", "2.8", "EVN||20250301\r{}\r", "Account", ""}},
    {"rxr_dosage", kDosage},
    {"rxr_medicationrequest", kDosage},
    {"tq1_servicerequest", {"OML^O21^OML_O21", "2.8", kOrderOf + "{}\rOBR|1|||1^x\r", "ServiceRequest", ""}},
    {"tq_dosage", kQuantityTiming},
    {"tq_medicationrequest", kQuantityTiming},
    {"tq_servicerequest",
     {"OML^O21^OML_O21", "2.4", kPatient + "ORC|NW||||||{}\rOBR|1|||1^x\r", "ServiceRequest", ""}},
    {"xcn_practitionerrole",
     {"ADT^A01^ADT_A01", "2.8", "EVN||20250301\r" + kPatient + "PV1|1|I|||||{}\r", "Practitioner", ""}}};

/// The members that theirs has, and no others: the rest of the resource is the frame's.
Element only_of(Element const& ours, Element const& theirs, fhir::json::Arena& arena) {
  Element kept = Element::of_object();
  for (auto const& member : ours.members())
    if (theirs.find(member.name) != nullptr && member.name != "id")
      kept.set(arena, member.name, member.value);
  return kept;
}

void compare_placed(Report& report, Pair const& pair, Placed const& place) {
  auto const& [id, input] = pair.input.root.members()[0];
  bool const is_segment = id.size() == 3 && id != "NDL" && id != "XCN";
  std::string segments = place.segments;
  segments.replace(segments.find("{}"), 2, is_segment ? to_segment(id, input) : to_repetition(input));
  auto const message = hl7v2::test::parse_or_throw("MSH|^~\\&|A|B|C|D|20250301||" + place.event + "|1|P|" +
                                                   place.version + "\r" + segments);
  auto draft = language::forward(language::builtin(), message, sender());
  ASSERT_TRUE(draft) << pair.stem << " " << fhir::to_line(draft.error());
  Element const bundle = language::to_bundle(*draft);
  Element const& theirs = expected_of(pair.output.root, place.resource);
  Element ours;
  for (Element const& entry : bundle.find("entry")->items()) {
    Element const& one = *entry.find("resource");
    if (one.text_at("resourceType") == place.resource && ours.is_null()) ours = one;
  }
  if (!place.element.empty()) {
    Element const* const part = ours.find(place.element);
    ours = part == nullptr ? Element::of_object() : part->is_array() ? part->items()[0] : *part;
  } else {
    ours = only_of(ours, theirs, draft->arena);
  }
  report.take(
      "in their place", pair.stem,
      compare_values(place.resource + (place.element.empty() ? "" : "." + place.element), ours, theirs));
}

void compare_data_types(Report& report) {
  for (Pair const& pair : pairs_in("datatypes")) {
    auto const known = kPairs.find(pair.stem);
    if (auto const placed = kPlaced.find(pair.stem); placed != kPlaced.end()) {
      compare_placed(report, pair, placed->second);
      continue;
    }
    if (known == kPairs.end()) {
      report.take_refused(pair.stem, pair.stem, "no pair");
      continue;
    }
    std::string const type = known->second.substr(known->second.find('~') + 1);
    auto const message = hl7v2::test::parse_or_throw("MSH|^~\\&|A|B|C|D|2025||ADT^A01|1|P|2.5.1\rZZZ|1\r");
    fhir::json::Arena arena;
    auto const read = [&](Element const& one) {
      return read_by(known->second, to_repetition(one), arena, message);
    };
    Element const& input = pair.input.root.members()[0].value;
    if (!input.is_array()) {
      report.take("data types", pair.stem,
                  compare_values(type, read(input), expected_of(pair.output.root, type)));
      continue;
    }
    Element made = Element::of_array();
    for (Element const& one : input.items()) made.push(arena, read(one));
    report.take("data types", pair.stem, compare_values(type, made, pair.output.root));
  }
}

/// In what message a segment of theirs is read by ours: its event, and what goes before the segments.
struct Frame {
  std::string event, before;
};
std::string const kPid = "PID|1||1^^^A^MR||Muster^Anna\r";
std::string const kVisit = "EVN||20250301\r" + kPid + "PV1|1|I\r";
std::map<std::string, Frame> const kFrames = {
    {"al1_allergyintolerance", {"ADT^A01^ADT_A01", kVisit}},
    {"dg1_condition", {"ADT^A01^ADT_A01", kVisit}},
    {"gol_goal", {"PGL^PC6^PGL_PC6", kPid}},
    {"gt1_relatedperson", {"ADT^A01^ADT_A01", kVisit}},
    {"in1_coverage", {"ADT^A01^ADT_A01", kVisit}},
    {"nk1_relatedperson", {"ADT^A01^ADT_A01", "EVN||20250301\r" + kPid}},
    {"obr_orc_diagnosticreport", {"ORU^R01^ORU_R01", kPid}},
    {"obx_observation", {"ORU^R01^ORU_R01", kPid + "OBR|1|||1^x\r"}},
    {"orc_obr_servicerequest", {"OMG^O19^OMG_O19", kPid}},
    {"orc_rxr_medicationrequest", {"RDE^O11^RDE_O11", kPid}},
    {"pid_pd1_patient", {"ADT^A28^ADT_A05", "EVN||20250301\r"}},
    {"pr1_procedure", {"ADT^A01^ADT_A01", kVisit}},
    {"prb_condition", {"PPR^PC1^PPR_PC1", kPid}},
    {"pv1_dg1_encounter", {"ADT^A01^ADT_A01", "EVN||20250301\r" + kPid}},
    {"rxa_orc_rxr_medicationadministration", {"RAS^O17^RAS_O17", kPid}},
    {"rxe_rxr_medicationrequest", {"RDE^O11^RDE_O11", kPid + "ORC|NW\r"}},
    {"spm_specimen", {"OML^O21^OML_O21", kPid + "ORC|NW\rOBR|1|||1^x\r"}},
    {"txa_diagnosticreport", {"MDM^T02^MDM_T02", kVisit}}};

/// In the order in which a message has them.
std::string segments_of(Element const& input) {
  std::string bytes;
  for (std::string_view const id : {"PID", "PD1", "NK1", "PV1", "SCH", "ORC", "OBR", "OBX", "TXA", "RXE",
                                    "RXA", "RXR", "SPM", "AL1", "DG1", "PR1", "GT1", "IN1", "GOL", "PRB"}) {
    Element const* const found = input.find(id);
    if (found == nullptr || found->is_null()) continue;
    if (!found->is_array()) bytes += to_segment(id, *found) + "\r";
    for (Element const& one : found->items()) bytes += to_segment(id, one) + "\r";
  }
  return bytes;
}

/// Only resources of types that the other side tells of: the frame's own are not compared.
void keep_types(Side& side, std::vector<std::string> const& types) {
  Side kept = side;
  kept.resources.clear();
  kept.types.clear();
  kept.by_reference.clear();
  for (std::size_t at = 0; at < side.resources.size(); ++at) {
    bool const is_told = std::ranges::find(types, side.types[at]) != types.end();
    for (auto const& [reference, index] : side.by_reference) {
      if (index != at) continue;
      if (is_told)
        kept.by_reference.emplace(reference, kept.resources.size());
      else
        kept.outside.emplace(reference, side.types[at]);
    }
    if (!is_told) continue;
    kept.resources.push_back(side.resources[at]);
    kept.types.push_back(side.types[at]);
  }
  side = kept;
}

void compare_bytes(Report& report, std::string const& type, std::string const& name, std::string const& bytes,
                   Element const& output, bool is_part) {
  auto const message = hl7v2::test::parse_or_throw(bytes);
  auto draft = language::forward(language::builtin(), message, sender());
  if (!draft) return report.take_refused(type, name, draft.error().diagnostics);
  Element const bundle = language::to_bundle(*draft);
  Side ours(bundle);
  Side const theirs(output);
  if (is_part) keep_types(ours, theirs.types);
  report.take(type, name, compare(ours, theirs, texts_of(message)));
}

TEST(Peers, GooglesDataTypesAndSegmentsAgreeOrDifferForAReason) {
  if (hl7v2::test::shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  Report report("Google healthcare-data-harmonization, one by one", "google-parts.classes");
  compare_data_types(report);
  for (Pair const& pair : pairs_in("segments")) {
    auto const frame = kFrames.find(pair.stem);
    if (auto const placed = kPlaced.find(pair.stem); placed != kPlaced.end()) {
      compare_placed(report, pair, placed->second);
      continue;
    }
    if (frame == kFrames.end()) {
      report.take_refused(pair.stem, pair.stem, "no segment map of its own");
      continue;
    }
    std::string const header =
        "MSH|^~\\&|A|B|C|D|20250301||" + frame->second.event + "|1|P|2.8\r" + frame->second.before;
    compare_bytes(report, "segments", pair.stem, header + segments_of(pair.input.root), pair.output.root,
                  true);
  }
  EXPECT_EQ(pairs_in("datatypes").size(), 54U);
  EXPECT_EQ(pairs_in("segments").size(), 32U);
  EXPECT_EQ(report.cases("in their place"), 20U);
  report.print(std::cout);
  EXPECT_EQ(report.unexplained(), "");
  EXPECT_EQ(report.unused(), "") << "classes that explain nothing";
}

TEST(Peers, GooglesParsedMessagesAgreeOrDifferForAReason) {
  if (hl7v2::test::shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  Report report("Google healthcare-data-harmonization, parsed messages", "google-messages.classes");
  auto const pairs = pairs_in("messages");
  EXPECT_EQ(pairs.size(), 26U);
  for (Pair const& pair : pairs) {
    auto const& [structure, message] = pair.input.root.members()[0];
    std::string const bytes = to_message(structure, message);
    ASSERT_TRUE(bytes.starts_with("MSH|")) << pair.stem;
    compare_bytes(report, pair.stem, pair.stem, bytes, pair.output.root, false);
  }
  report.print(std::cout);
  EXPECT_EQ(report.unexplained(), "");
  EXPECT_EQ(report.unused(), "") << "classes that explain nothing";
}

}  // namespace
}  // namespace mappings::peers
