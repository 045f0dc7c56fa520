/// What every message of our own corpus becomes, whole: <name>.fhir.json beside it holds its Bundle,
/// <name>.back.er7 the message written from that Bundle and the facts alone, without the sender's bytes (one
/// segment per line). UPDATE_GOLDEN=1 writes them anew; the difference is reviewed by eye, line by line.
#include "fhir/json/writer.hpp"
#include "rewritten.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace mappings::maps::test {
namespace {

namespace fs = std::filesystem;
using fhir::json::Element;

void write_indented(Element const& element, std::string const& margin, std::string& out) {
  std::string const deeper = margin + "  ";
  if (element.is_object()) {
    out += '{';
    std::string_view separator = "\n";
    for (auto const& member : element.members()) {
      out.append(separator).append(deeper);
      fhir::json::write_string(member.name, out);
      out += ": ";
      write_indented(member.value, deeper, out);
      separator = ",\n";
    }
    out.append("\n").append(margin).append("}");
  } else if (element.is_array()) {
    out += '[';
    for (std::size_t at = 0; at < element.size(); ++at) {
      out.append(at == 0 ? "\n" : ",\n").append(deeper);
      write_indented(element.items()[at], deeper, out);
    }
    out.append("\n").append(margin).append("]");
  } else {
    fhir::json::write(element, out);
  }
}

std::string in_lines(std::string bytes) {
  std::ranges::replace(bytes, '\r', '\n');
  return bytes;
}

fs::path beside(OwnMessage const& own, std::string_view ending) {
  return own_root() / (own.name + std::string(ending));
}

/// Compares `text` with the file, or writes the file where UPDATE_GOLDEN asks for it.
void expect_golden(fs::path const& file, std::string const& text) {
  static bool const update = std::getenv("UPDATE_GOLDEN") != nullptr;
  if (update) std::ofstream(file, std::ios::binary) << text;
  std::ifstream in(file, std::ios::binary);
  ASSERT_TRUE(in) << file << " is not there: UPDATE_GOLDEN=1 writes it, read it before committing";
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text) << file;
}

TEST(Golden, EveryMessageBecomesTheBundleBesideIt) {
  for (OwnMessage const& own : own_messages()) {
    Rewritten const again(own, false);
    std::string text;
    write_indented(again.bundle, "", text);
    expect_golden(beside(own, ".fhir.json"), text + "\n");
  }
}

TEST(Golden, EveryBundleIsWrittenBackAsTheMessageBesideIt) {
  for (OwnMessage const& own : own_messages()) {
    Rewritten const again(own, false);
    std::string const refused = "not written: " + again.error.diagnostics + "\n";
    expect_golden(beside(own, ".back.er7"), again.bytes.empty() ? refused : in_lines(again.bytes));
  }
}

TEST(Golden, NoGoldenOutlivesItsMessage) {
  std::set<fs::path> wanted;
  for (OwnMessage const& own : own_messages()) {
    wanted.insert(beside(own, ".fhir.json"));
    wanted.insert(beside(own, ".back.er7"));
  }
  std::size_t found = 0;
  for (auto const& entry : fs::recursive_directory_iterator(own_root())) {
    if (entry.path().extension() != ".json" && entry.path().extension() != ".er7") continue;
    EXPECT_TRUE(wanted.contains(entry.path())) << entry.path() << " has no message";
    ++found;
  }
  EXPECT_EQ(found, 2 * own_messages().size());
}

}  // namespace
}  // namespace mappings::maps::test
