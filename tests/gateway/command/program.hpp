/// `handoff` run as a process of its own, and v2 text taken apart by nothing but its delimiters.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::command::test {

struct Ran {
  int code = 0;  ///< The exit code; 128 and the signal when one ended it.
  std::string out;
  std::string err;
};

/// Runs the program to its end, `input` on its stdin.
Ran run(std::vector<std::string> const& arguments, std::string_view input = {});

std::string read_file(std::filesystem::path const& path);

/// Every file below `root` with one of these endings, in order of their names.
std::vector<std::string> v2_files(std::filesystem::path const& root, std::set<std::string> const& endings);

/// The bytes of a file whose delimiters cannot be told from its characters (UTF-16, Shift-JIS) as UTF-8,
/// others as they are.
std::string in_utf8(std::string bytes);

/// One message of a file: its lines, cut at each MSH, without envelopes, framing and line ends. A text
/// without MSH is one message, which nobody can read.
struct PlainMessage {
  std::vector<std::string> segments;
  std::string event() const;  ///< MSH-9 as it stands.
};
std::vector<PlainMessage> split_file(std::string const& text);

/// Every non-empty leaf by its name: "PID-3(2).4.1", "OBX[2]-5.1.1".
std::vector<std::string> leaves(PlainMessage const& message);

}  // namespace gateway::command::test
