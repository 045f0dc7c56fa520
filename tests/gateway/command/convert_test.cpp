/// `handoff convert` over every public message and every one of our own: nothing stops it, no leaf is lost
/// unsaid, what comes out is R4, and what went in can be had back.
#include "fhir/json/reader.hpp"
#include "fhir/validate/structure.hpp"
#include "program.hpp"
#include "tests/support/temp_folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

namespace gateway::command::test {
namespace {

namespace fs = std::filesystem;
using fhir::json::Element;

std::set<std::string> const kEndings = {".hl7", ".er7", ".txt", ".ndhl7"};

/// One line of the loss report as text.
struct Entry {
  std::string file;     ///< Relative to the corpus, "#2" for the second message of a file.
  std::string refused;  ///< Why it gave no Bundle, "" when it gave one.
  std::string structure_without_table;
  bool has_account = false;
  std::size_t leaves = 0;
  std::size_t mapped = 0;
  std::vector<std::string> kept;
  std::vector<std::string> dropped;
};

/// Every file of a corpus given to one run of the program.
struct Conversion {
  Ran ran;
  std::vector<Entry> entries;
  std::vector<std::string> bundles;
  std::map<std::string, PlainMessage> messages;  ///< What the test itself sees in the files, by Entry::file.
};

std::vector<std::string> names_of(Element const* losses, std::string const& file) {
  std::vector<std::string> names;
  if (losses == nullptr) return names;
  for (Element const& loss : losses->items()) {
    EXPECT_NE(loss.text_at("reason"), "") << file << " " << loss.text_at("v2");
    names.emplace_back(loss.text_at("v2"));
  }
  return names;
}

std::size_t count_at(Element const& entry, char const* name) {
  return static_cast<std::size_t>(std::stoul(std::string(entry.text_at(name))));
}

Entry entry_of(Element const& from, fs::path const& root) {
  Entry entry;
  entry.file = fs::relative(std::string(from.text_at("file")), root).string();
  entry.refused = from.text_at("refused");
  entry.has_account = from.find("leaves") != nullptr;
  if (!entry.has_account) return entry;
  entry.leaves = count_at(from, "leaves");
  entry.mapped = count_at(from, "mapped");
  entry.kept = names_of(from.find("kept"), entry.file);
  entry.dropped = names_of(from.find("dropped"), entry.file);
  if (entry.refused.empty()) return entry;
  entry.structure_without_table = from.find("kept")->items()[0].text_at("reason");
  for (Element const& loss : from.find("kept")->items())
    EXPECT_EQ(loss.text_at("reason"), entry.structure_without_table) << entry.file;
  return entry;
}

Conversion convert_all(fs::path const& root, std::set<std::string> const& endings) {
  support::TempFolder const folder;
  std::string const loss = folder.file("loss.json");
  std::vector<std::string> arguments = {"convert", "--from", "hl7v2", "--to", "fhir", "--loss", loss};
  auto const files = v2_files(root, endings);
  arguments.insert(arguments.end(), files.begin(), files.end());
  Conversion made;
  made.ran = run(arguments);
  auto const report = fhir::json::read_document(read_file(loss));
  if (!report) throw std::runtime_error(fhir::to_line(report.error()));
  for (Element const& entry : report->root.items()) made.entries.push_back(entry_of(entry, root));
  for (std::size_t begin = 0; begin < made.ran.out.size();) {
    auto const end = made.ran.out.find('\n', begin);
    made.bundles.push_back(made.ran.out.substr(begin, end - begin));
    begin = end + 1;
  }
  for (std::string const& file : files) {
    auto const messages = split_file(in_utf8(read_file(file)));
    std::string const name = fs::relative(file, root).string();
    for (std::size_t at = 0; at < messages.size(); ++at)
      made.messages[messages.size() > 1 ? name + "#" + std::to_string(at + 1) : name] = messages[at];
  }
  return made;
}

class PublicCorpus : public ::testing::Test {
 protected:
  static fs::path root() { return fs::path(HANDOFF_SHARED_DIR) / "corpora/hl7v2"; }
  static Conversion const& all() {
    static Conversion const made = convert_all(root(), kEndings);
    return made;
  }
  void SetUp() override {
    if (!fs::exists(root())) GTEST_SKIP() << "the shared corpora are absent";
  }
};

fs::path own_root() { return fs::path(HANDOFF_SOURCE_DIR) / "tests/corpora/v2"; }

Conversion const& own() {
  static Conversion const made = convert_all(own_root(), {".hl7"});
  return made;
}

fhir::json::Document parsed(std::string const& bundle) {
  auto document = fhir::json::read_document(bundle);
  if (!document) throw std::runtime_error(fhir::to_line(document.error()));
  return std::move(*document);
}

/// Each leaf that plain splitting finds is kept, dropped or counted as mapped, and none twice.
void expect_law(Entry const& entry, PlainMessage const& message) {
  auto const found = leaves(message);
  std::set<std::string> open(found.begin(), found.end());
  ASSERT_EQ(open.size(), found.size()) << entry.file;
  EXPECT_EQ(entry.leaves, found.size()) << entry.file;
  for (auto const* const names : {&entry.kept, &entry.dropped}) {
    for (std::string const& name : *names) EXPECT_EQ(open.erase(name), 1U) << entry.file << " " << name;
  }
  EXPECT_EQ(entry.mapped, open.size()) << entry.file;
  if (!entry.refused.empty()) EXPECT_EQ(entry.mapped, 0U) << entry.file;
}

TEST_F(PublicCorpus, GoesThroughToItsEndAndNamesWhatItRefuses) {
  EXPECT_EQ(v2_files(root(), kEndings).size(), 372U);
  EXPECT_EQ(all().ran.code, 1);
  std::map<std::string, std::string> refused;
  std::map<std::string, int> without_table;
  std::size_t converted = 0;
  for (Entry const& entry : all().entries) {
    if (entry.refused.empty()) {
      ++converted;
    } else if (entry.has_account) {
      ++without_table[entry.structure_without_table];
    } else {
      refused[entry.file] = entry.refused;
    }
    if (!entry.refused.empty())
      EXPECT_NE(all().ran.err.find((root() / entry.file).string()), std::string::npos) << entry.file;
  }
  std::map<std::string, std::string> const expected_refusals = {
      {"cosyte-hl7/batch/count-mismatch.hl7", "BTS-1 says 3, 2 are present"},
      {"cosyte-hl7/batch/malformed-mid-batch.hl7#2", "MSH ends before its delimiters"},
      {"cosyte-hl7/malformed/empty-input.hl7", "the message does not start with MSH"},
      {"cosyte-hl7/malformed/msh-too-short.hl7", "MSH ends before its delimiters"},
      {"cosyte-hl7/malformed/no-msh-segment.hl7", "the message does not start with MSH"},
      {"cosyte-hl7/stream/malformed-mid-stream.hl7#2", "MSH ends before its delimiters"},
      {"rethinkhealth-hl7v2/invalid-missing-msh.hl7", "the message does not start with MSH"},
      {"ruby-hl7/empty-batch.hl7", "BTS-1 says 2, 0 are present"},
      {"ruby-hl7/empty.hl7", "the message does not start with MSH"}};
  EXPECT_EQ(refused, expected_refusals);
  int tableless = 0;
  for (auto const& [structure, count] : without_table) {
    std::cout << count << " " << structure << "\n";
    tableless += count;
  }
  // Of the 396 messages two stand in the batch whose count is wrong, which is refused as a whole.
  EXPECT_EQ(converted, all().bundles.size());
  EXPECT_EQ(converted + static_cast<std::size_t>(tableless), 386U);
  EXPECT_GE(converted, 303U) << "a table was lost";
  EXPECT_EQ(all().entries.size(), 395U);
}

TEST_F(PublicCorpus, EveryLeafOfEveryMessageIsMappedKeptOrDropped) {
  std::size_t accounted = 0;
  for (Entry const& entry : all().entries) {
    if (!entry.has_account) continue;
    ASSERT_TRUE(all().messages.contains(entry.file)) << entry.file;
    expect_law(entry, all().messages.at(entry.file));
    ++accounted;
  }
  EXPECT_EQ(accounted, 386U);
}

void expect_valid(Conversion const& made) {
  std::size_t at = 0;
  for (Entry const& entry : made.entries) {
    if (!entry.refused.empty()) continue;
    ASSERT_LT(at, made.bundles.size());
    auto const bundle = fhir::json::read_document(made.bundles[at++]);
    ASSERT_TRUE(bundle) << entry.file << " " << fhir::to_line(bundle.error());
    EXPECT_EQ(bundle->root.text_at("resourceType"), "Bundle");
    fhir::Issues issues;
    fhir::validate::validate_structure(bundle->root, issues);
    for (fhir::Issue const& issue : issues) ADD_FAILURE() << entry.file << " " << fhir::to_line(issue);
  }
  EXPECT_EQ(at, made.bundles.size());
}

TEST_F(PublicCorpus, EveryBundleIsValidR4) { expect_valid(all()); }

TEST(OwnMessages, AreAllConverted) {
  EXPECT_EQ(own().ran.code, 0) << own().ran.err;
  auto const files = v2_files(own_root(), {".hl7"}).size();
  EXPECT_GE(files, 78U);
  EXPECT_EQ(own().bundles.size(), files);
  EXPECT_EQ(own().entries.size(), files);
}

TEST(OwnMessages, EveryLeafIsMappedKeptOrDropped) {
  for (Entry const& entry : own().entries) expect_law(entry, own().messages.at(entry.file));
}

TEST(OwnMessages, EveryBundleIsValidR4) { expect_valid(own()); }

TEST(OwnMessages, ThePatientOnceMoreStandsInTheLossReport) {
  support::TempFolder const folder;
  std::string const pid = "PID|1||4711^^^H^MR||Muster^Anna\r";
  std::ofstream(folder.file("1.hl7"), std::ios::binary)
      << "MSH|^~\\&|A|B|C|D|20250301||ADT^A01^ADT_A01|1|P|2.5.1\rEVN|A01|20250301\r" + pid + pid +
             "PV1|1|I\r";
  std::string const loss = folder.file("loss.json");
  Ran const ran = run({"convert", "--from", "hl7v2", "--to", "fhir", "--loss", loss, folder.file("1.hl7")});
  EXPECT_EQ(ran.code, 0) << ran.err;
  auto const report = fhir::json::read_document(read_file(loss));
  ASSERT_TRUE(report);
  EXPECT_EQ(report->root.items()[0].text_of("repeated", 0, "v2"), "PID[2]");
}

TEST(Refusals, NameTheFileAndTheNextFileIsConvertedAllTheSame) {
  support::TempFolder const folder;
  std::string const header = "MSH|^~\\&|A|B|C|D|20250301||";
  auto const write = [&](std::string const& name, std::string const& bytes) {
    std::ofstream(folder.file(name), std::ios::binary) << bytes;
    return folder.file(name);
  };
  std::string const unreadable = write("1.hl7", "PID|1\r");
  std::string const tableless = write("2.hl7", header + "MFN^M02^MFN_M02|7|P|2.5.1\rMFE|1^2&3~4\r");
  std::string const absent = folder.file("3.hl7");
  std::string const good = (own_root() / "ADT_A01/01-admit.hl7").string();
  Ran const ran =
      run({"convert", "--from", "hl7v2", "--to", "fhir", "--loss", "-", unreadable, tableless, absent, good});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(std::ranges::count(ran.out, '\n'), 1);
  EXPECT_EQ(parsed(ran.out).root.text_at("resourceType"), "Bundle");
  EXPECT_NE(ran.err.find("error structure " + unreadable), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("error not-supported " + tableless + " MSH-9"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("error not-found " + absent), std::string::npos) << ran.err;
  for (char const* const leaf :
       {"MFE-1.1.1", "MFE-1.2.1", "MFE-1.2.2", "MFE-1(2).1.1", "MSH-9.3.1", "MSH-10.1.1"})
    EXPECT_NE(ran.err.find("{\"v2\":\"" + std::string(leaf) + "\",\"reason\":\"no table for MFN_M02\"}"),
              std::string::npos)
        << leaf << " in " << ran.err;
}

TEST(Refusals, OneBadMessageOfABatchDoesNotStopTheOthers) {
  std::string const header = "MSH|^~\\&|A|B|C|D|20250301||";
  std::string const pid = "\rPID|1||4711^^^A||Muster^Anna\rPV1|1|I\r";
  std::string const batch = "BHS|^~\\&\r" + header + "ADT^A01^ADT_A01|1|P|2.5.1" + pid + header +
                            "MFN^M02|2|P|2.5.1\r" + header + "ADT^A01^ADT_A01|3|P|2.5.1" + pid + "BTS|3\r";
  Ran const ran = run({"convert", "--from", "hl7v2", "--to", "fhir"}, batch);
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(std::ranges::count(ran.out, '\n'), 2) << ran.out;
  EXPECT_NE(ran.err.find("#2 MSH-9"), std::string::npos) << ran.err;
}

// ------------------------------------------------------------------------------------------------ there and
// back

std::string structure_of(std::string const& file) { return file.substr(0, file.find('/')); }

/// The event as `--event` wants it: MSH-9's first two components.
std::string event_of(PlainMessage const& message) {
  std::string event = message.event();
  std::ranges::replace(event, message.segments[0][4], '^');
  auto const first = event.find('^');
  return first == std::string::npos ? event + "^" : event.substr(0, event.find('^', first + 1));
}

/// A message that gives no resource of the kind its structure starts from, so that FHIR holds nothing to
/// write it from.
bool has_no_anchor(std::string const& file) {
  return file == "ACK/01-accepted.hl7" || file == "ACK/03-version-2-3.hl7";
}

Ran write_back(Entry const& entry, std::string const& bundle, std::vector<std::string> const& more) {
  std::vector<std::string> arguments = {"convert",
                                        "--from",
                                        "fhir",
                                        "--to",
                                        "hl7v2",
                                        "--event",
                                        event_of(own().messages.at(entry.file)),
                                        "--structure",
                                        structure_of(entry.file)};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(arguments, bundle);
}

TEST(ThereAndBack, WithTheMessageAsComplementEveryByteIsAsItWas) {
  std::map<std::string, int> written;
  for (std::size_t at = 0; at < own().entries.size(); ++at) {
    Entry const& entry = own().entries[at];
    if (has_no_anchor(entry.file)) continue;
    std::string const file = (own_root() / entry.file).string();
    Ran const back = write_back(entry, own().bundles.at(at), {"--complement", file});
    EXPECT_EQ(back.code, 0) << entry.file << " " << back.err;
    EXPECT_EQ(back.out, read_file(file)) << entry.file;
    ++written[structure_of(entry.file)];
  }
  std::size_t total = 0;
  for (auto const& [structure, count] : written) total += static_cast<std::size_t>(count);
  EXPECT_EQ(total + 2, own().entries.size()) << "all but the two answers without an anchor";
  EXPECT_GE(total, 89U) << "messages were lost";
}

TEST(ThereAndBack, WithoutAnAnchorItIsRefusedAndNothingIsWritten) {
  for (std::size_t at = 0; at < own().entries.size(); ++at) {
    Entry const& entry = own().entries[at];
    if (!has_no_anchor(entry.file)) continue;
    Ran const back = write_back(entry, own().bundles.at(at), {});
    EXPECT_EQ(back.code, 1) << entry.file;
    EXPECT_EQ(back.out, "") << entry.file;
    EXPECT_NE(back.err.find("the Bundle holds no OperationOutcome"), std::string::npos) << back.err;
  }
}

using Lines = std::multiset<std::string>;

/// "Patient.name[0].family = Muster"; a reference is told by the type it leads to.
void flatten(Element const& element, std::string const& path, std::map<std::string, std::string> const& types,
             Lines& lines) {
  for (auto const& member : element.members()) {
    auto const type = types.find(std::string(member.value.text()));
    if (member.name == "reference" && type != types.end())
      lines.insert(path + " -> " + type->second);
    else
      flatten(member.value, path + "." + std::string(member.name), types, lines);
  }
  std::size_t number = 0;
  for (Element const& item : element.items())
    flatten(item, path + "[" + std::to_string(number++) + "]", types, lines);
  if (!element.is_object() && !element.is_array()) lines.insert(path + " = " + std::string(element.text()));
}

Lines lines_of(std::string const& bundle) {
  auto const document = parsed(bundle);
  auto const entries = document.root.find("entry")->items();
  std::map<std::string, std::string> types;
  for (Element const& entry : entries)
    types[std::string(entry.text_at("fullUrl"))] = entry.find("resource")->text_at("resourceType");
  Lines lines;
  for (Element const& entry : entries)
    flatten(*entry.find("resource"), types[std::string(entry.text_at("fullUrl"))], types, lines);
  return lines;
}

/// What FHIR does not hold and HL7 requires, by structure: the caller says it.
std::vector<std::string> facts_for(std::string const& structure) {
  if (structure == "ACK") return {"--fact", "message.ack_code=AE", "--fact", "message.ack_id=1"};
  for (char const* const order :
       {"OMG_O19", "OML_O21", "ORM_O01", "RDE_O11", "RDE_O01", "OMP_O09", "RGV_O15"}) {
    if (structure == order) return {"--fact", "order.control=NW"};
  }
  for (char const* const answer :
       {"ORR_O02", "ORG_O20", "ORL_O22", "RRE_O12", "ORP_O10", "RRD_O14", "RRA_O18", "RRG_O16", "VXR_V03"}) {
    if (structure == answer)
      return {"--fact", "message.ack_code=AA", "--fact", "message.ack_id=1", "--fact", "order.control=OK"};
  }
  if (structure == "SRR_S01") return {"--fact", "message.ack_id=1"};
  if (structure.starts_with("RSP_"))
    return {"--fact", "message.ack_code=AA", "--fact", "message.ack_id=1",
            "--fact", "query.tag=1",         "--fact", "query.status=OK"};
  return {};
}

/// Lines that a new message says otherwise by its nature: it has a time of its own, and rows that read
/// several places write one of them.
bool differs_by_nature(std::string const& line) {
  for (char const* const ending : {".attachment.title = Consult note", ".attachment.title = Consultation",
                                   ".type.coding[0].display = Visit number"}) {
    if (line.ends_with(ending)) return true;
  }
  return line.starts_with("ServiceRequest.authoredOn = ");
}

/// What a Bundle alone does not bring back of a message, and why that is so.
struct Difference {
  std::string why;
  std::string lines;  ///< "- " lost, "+ " invented; one FHIR element each
};
using Differences = std::map<std::string, Difference>;

fs::path differences_file() { return own_root() / "differences.golden"; }

/// "== FILE", "why: REASON", then the lines.
Differences read_differences() {
  Differences all;
  std::ifstream in(differences_file());
  Difference* current = nullptr;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("== ")) {
      current = &all[line.substr(3)];
    } else if (current != nullptr && line.starts_with("why: ")) {
      current->why = line.substr(5);
    } else if (current != nullptr && !line.empty()) {
      current->lines += line + "\n";
    }
  }
  return all;
}

void write_differences(Differences const& all) {
  std::ofstream out(differences_file());
  out << "# What a message loses or gains when it is written again from its FHIR alone, without the sender's "
         "bytes.\n"
         "# UPDATE_GOLDEN=1 writes the lines anew and keeps the reasons; a new entry needs one before it may "
         "be committed.\n";
  for (auto const& [file, difference] : all)
    out << "\n== " << file << "\nwhy: " << difference.why << "\n" << difference.lines;
}

std::string difference_between(std::string const& bundle, std::string const& written_again) {
  Lines const before = lines_of(bundle);
  Lines const after = lines_of(written_again);
  std::vector<std::string> lost;
  std::vector<std::string> invented;
  std::ranges::set_difference(before, after, std::back_inserter(lost));
  std::ranges::set_difference(after, before, std::back_inserter(invented));
  std::string difference;
  for (std::string const& line : lost) {
    if (!differs_by_nature(line)) difference += "- " + line + "\n";
  }
  for (std::string const& line : invented) {
    if (!differs_by_nature(line)) difference += "+ " + line + "\n";
  }
  return difference;
}

/// What becomes of every message of ours that is written from its Bundle alone and read again.
Differences differences_found() {
  support::TempFolder const folder;
  std::vector<std::string> arguments = {"convert", "--from", "hl7v2", "--to", "fhir"};
  std::vector<std::size_t> wanted;
  Differences found;
  for (std::size_t at = 0; at < own().entries.size(); ++at) {
    Entry const& entry = own().entries[at];
    if (has_no_anchor(entry.file)) continue;
    Ran const back = write_back(entry, own().bundles.at(at), facts_for(structure_of(entry.file)));
    if (back.code != 0) {
      found[entry.file].lines = "not written: " + back.err;
      continue;
    }
    arguments.push_back(folder.file(std::to_string(at) + ".hl7"));
    std::ofstream(arguments.back(), std::ios::binary) << back.out;
    wanted.push_back(at);
  }
  Ran const again = run(arguments);
  EXPECT_EQ(again.code, 0) << again.err;
  std::istringstream bundles(again.out);
  for (std::size_t const at : wanted) {
    std::string bundle;
    EXPECT_TRUE(std::getline(bundles, bundle)) << own().entries[at].file;
    std::string const difference = difference_between(own().bundles.at(at), bundle);
    if (!difference.empty()) found[own().entries[at].file].lines = difference;
  }
  return found;
}

TEST(ThereAndBack, WhatKeepsABundleFromBeingWrittenIsToldAsOneOperationOutcome) {
  std::string const bundle =
      R"({"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:x:1","resource":)"
      R"({"resourceType":"ServiceRequest","status":"active","intent":"order","subject":{"reference":"urn:x:2"}}},)"
      R"({"fullUrl":"urn:x:2","resource":{"resourceType":"Patient"}}]})";
  Ran const ran = run({"convert", "--json", "--from", "fhir", "--to", "hl7v2", "--event", "REF^I12",
                       "--structure", "REF_I12"},
                      bundle);
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out, "") << "nothing half written";
  auto const outcome = fhir::json::read_document(ran.err);
  ASSERT_TRUE(outcome) << ran.err;
  EXPECT_EQ(outcome->root.text_at("resourceType"), "OperationOutcome");
  std::set<std::string> named;
  for (auto const& issue : outcome->root.find("issue")->items())
    named.insert(std::string(issue.text_of("expression", 0)) + " " +
                 std::string(issue.text_of("location", 0)));
  EXPECT_EQ(named, (std::set<std::string>{"Patient.identifier PID-3", "Patient.name PID-5",
                                          "PractitionerRole PRD"}));
}

TEST(Overlays, APartnersOwnRowsAreTriedWithoutAServer) {
  std::string const message =
      "MSH|^~\\&|A|F|H|U|20250301||PPR^PC1^PPR_PC1|1|P|2.5.1\rPID|1||1^^^F^MR||Muster\r"
      "PRB|AD|20250301|I10^Hypertension^I10|P1^F\rZPR|1|Falls|3|20250301\r";
  std::string const overlay = std::string(HANDOFF_SOURCE_DIR) + "/examples/overlays/homecare-scores.map";
  Ran const without = run({"convert", "--from", "hl7v2", "--to", "fhir"}, message);
  EXPECT_EQ(without.out.find("valueQuantity"), std::string::npos);
  Ran const with = run({"convert", "--from", "hl7v2", "--to", "fhir", "--overlay", overlay}, message);
  EXPECT_EQ(with.code, 0) << with.err;
  EXPECT_NE(with.out.find(R"("valueQuantity":{"value":3})"), std::string::npos) << with.out;
}

/// An order for one patient with what is said of it, as a Bundle.
std::string order_saying(std::string const& elements) {
  return R"({"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:x:1","resource":{"resourceType":)"
         R"("ServiceRequest","status":"active","intent":"order","identifier":[{"type":{"coding":[{"system":)"
         R"("http://terminology.hl7.org/CodeSystem/v2-0203","code":"PLAC"}]},"system":"urn:oid:1.3.6.1.4.1.32473.4",)"
         R"("value":"R1"}],"subject":{"reference":"urn:x:2"},"performer":[{"reference":"urn:x:3"}],)" +
         elements +
         R"(}},{"fullUrl":"urn:x:2","resource":{"resourceType":"Patient","identifier":[{"system":)"
         R"("urn:oid:1.3.6.1.4.1.32473.3","value":"1"}],"name":[{"family":"Muster"}]}},{"fullUrl":"urn:x:3",)"
         R"("resource":{"resourceType":"PractitionerRole","practitioner":{"reference":"urn:x:4"}}},{"fullUrl":)"
         R"("urn:x:4","resource":{"resourceType":"Practitioner","name":[{"family":"Reyes"}]}}]})";
}

/// The field of the first such segment that is written of it.
std::string written_field(std::string const& bundle, std::string const& event, std::string const& segment,
                          std::size_t field) {
  auto structure = event;
  structure[3] = '_';
  Ran const ran = run({"convert", "--from", "fhir", "--to", "hl7v2", "--event", event, "--structure",
                       structure, "--fact", "order.control=NW"},
                      bundle);
  EXPECT_EQ(ran.code, 0) << ran.err;
  std::istringstream out(ran.out);
  for (std::string line; std::getline(out, line, '\r');) {
    if (!line.starts_with(segment + "|")) continue;
    std::istringstream fields(line);
    std::string text;
    for (std::size_t at = 0; at <= field; ++at)
      if (!std::getline(fields, text, '|')) return "";
    return text;
  }
  return "no " + segment;
}

TEST(ThereAndBack, AnOrderIsNeverGivenTheNameOfAnother) {
  auto const name = [](std::string const& elements) {
    return written_field(order_saying(elements), "OMG^O19", "OBR", 4);
  };
  EXPECT_EQ(name(R"("code":{"coding":[{"system":"http://loinc.org","code":"58410-2"}]})"), "58410-2^^LN");
  EXPECT_EQ(name(R"("code":{"text":"Blood count"})"), "^Blood count");
  EXPECT_EQ(name(R"("priority":"routine")"), "57133-1^Referral note^LN");
}

TEST(ThereAndBack, AReferralSaysWhyInAnyWords) {
  auto const reason = [](std::string const& reasons) {
    return written_field(order_saying(R"("reasonCode":[)" + reasons + "]"), "REF^I12", "RF1", 10);
  };
  EXPECT_EQ(reason(R"({"text":"chest pain"})"), "^chest pain");
  EXPECT_EQ(
      reason(R"({"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0336","code":"S"}]},)"
             R"({"coding":[{"system":"http://snomed.info/sct","code":"29857009","display":"Chest pain"}]})"),
      "S~29857009^Chest pain^SCT");
}

TEST(ThereAndBack, FromFhirAloneComesAMessageThatMeansTheSameButForWhatIsListed) {
  Differences const expected = read_differences();
  Differences found = differences_found();
  for (auto& [file, difference] : found) {
    auto const known = expected.find(file);
    difference.why = known == expected.end() ? "?" : known->second.why;
    EXPECT_GT(difference.why.size(), 10U) << file << " differs and nobody says why";
    EXPECT_EQ(difference.lines, known == expected.end() ? "" : known->second.lines) << file;
  }
  for (auto const& [file, difference] : expected)
    EXPECT_TRUE(found.contains(file)) << file << " needs no exception any more";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) write_differences(found);
}

}  // namespace
}  // namespace gateway::command::test
