/// What the comparison with a peer comes to: figures per message type, and every class of difference with its
/// explanation. The explanations are data: *.classes beside the tests.
///
///     KIND | PATH | OURS | THEIRS : why
///
/// KIND is ours-ORIGIN or theirs-ORIGIN (said, elsewhere, made, link: comparison.hpp), differs, or refused
/// (PATH is the message type then); all four columns are patterns with "*"; PATH, OURS and THEIRS are
/// patterns with "*" (an empty one matches anything). The first line that matches a difference explains it. A
/// difference that no line explains fails the test, and so does a line that explains nothing.
#pragma once

#include "comparison.hpp"

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace mappings::peers {

class Report {
 public:
  /// `file`: "microsoft.classes". Throws on a line that is no class.
  Report(std::string peer, std::string const& file);

  /// One message (or component) of a type: "ADT_A01".
  void take(std::string const& type, std::string const& name, Comparison const& comparison);
  /// One that we do not translate; explained by a line "refused | TYPE".
  void take_refused(std::string const& type, std::string const& name, std::string const& why);
  /// Prints the figures; with PEERS_REPORT in the environment also each class with its count and one example.
  void print(std::ostream& out) const;

  std::string unexplained() const;  ///< "" when every difference has its class.
  std::string unused() const;       ///< Classes that nothing needs.
  std::size_t agreeing() const;
  std::size_t cases(std::string const& type) const;  ///< How many of a type were compared.

 private:
  struct Class {
    std::string kind, path, ours, theirs, why;
    std::size_t count = 0;
    std::string example;
  };
  struct Figures {
    std::size_t cases = 0, agreeing = 0, ours = 0, theirs = 0, differing = 0;
  };

  void explain(std::string const& name, Difference const& difference);
  Class* class_of(Difference const& difference);
  static void print_row(std::ostream& out, std::string const& name, Figures const& figures);

  std::string peer_;
  std::vector<Class> classes_;
  std::map<std::string, Figures> by_type_;
  std::map<std::string, std::pair<std::size_t, std::string>> unexplained_;  ///< class: count, example
};

}  // namespace mappings::peers
