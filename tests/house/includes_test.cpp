// The house's one rule about who may call whom (design architecture.md section 1): fhir <- mappings <-
// gateway, and inside gateway the ground floor, what stands on the store, intake, and the doors. Every
// #include of ours is read.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

using Rooms = std::set<std::string>;

/// What each room of gateway may include besides itself, fhir and (where it says so) mappings.
std::map<std::string, Rooms> const kMayCall{
    {"config", {}},
    {"net", {}},
    {"store", {}},
    {"terminology", {"net", "store"}},
    {"conformance", {"terminology"}},
    {"security", {"config", "store"}},
    {"ops", {"config", "net", "store", "record", "intake", "conformance", "mappings"}},
    {"identity", {"store"}},
    {"record", {"store", "identity"}},
    {"delivery", {"store", "net", "config", "identity", "record", "mappings"}},
    {"intake", {"store", "config", "identity", "record", "delivery", "conformance", "mappings"}},
    {"feeds", {"config", "net", "intake"}},
    {"rest", {"store", "net", "identity", "record", "intake", "terminology", "conformance"}},
    {"command",
     {"config", "net", "store", "security", "ops", "identity", "record", "delivery", "intake", "feeds",
      "rest", "terminology", "conformance", "mappings"}},
};

std::string first_part(std::string const& path) { return path.substr(0, path.find('/')); }

/// "gateway/store/store.hpp" is in room "store"; anything outside gateway in a room of its top folder's name.
std::string room_of(std::string const& path) {
  std::string const top = first_part(path);
  return top == "gateway" ? first_part(path.substr(top.size() + 1)) : top;
}

std::vector<std::string> own_includes(fs::path const& file) {
  std::vector<std::string> all;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("#include \"")) continue;
    all.push_back(line.substr(10, line.find('"', 10) - 10));
  }
  return all;
}

bool may_include(std::string const& from, std::string const& to) {
  if (from == to || to == "fhir") return true;
  if (from == "fhir") return false;
  if (from == "mappings") return false;
  auto const rule = kMayCall.find(from);
  return rule != kMayCall.end() && rule->second.contains(to);
}

TEST(House, NoRoomCallsUpwards) {
  fs::path const root(HANDOFF_SOURCE_DIR);
  std::size_t files = 0;
  for (char const* top : {"fhir", "mappings", "gateway"}) {
    for (auto const& entry : fs::recursive_directory_iterator(root / top)) {
      std::string const extension = entry.path().extension().string();
      if (extension != ".hpp" && extension != ".cpp") continue;
      std::string const path = fs::relative(entry.path(), root).generic_string();
      if (path == "gateway/main.cpp") continue;  // stands above the commands
      ++files;
      for (std::string const& include : own_includes(entry.path())) {
        EXPECT_TRUE(may_include(room_of(path), room_of(include))) << path << " includes " << include;
      }
    }
  }
  EXPECT_GT(files, 150U) << "the sources were not found";
}

TEST(House, EveryRoomOfTheGatewayHasARule) {
  for (auto const& entry : fs::directory_iterator(fs::path(HANDOFF_SOURCE_DIR) / "gateway")) {
    if (entry.is_directory())
      EXPECT_TRUE(kMayCall.contains(entry.path().filename().string())) << entry.path();
  }
}

}  // namespace
