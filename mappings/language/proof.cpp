/// What the compiler must prove of rows together: in reverse each element has one row that writes it.
#include "mappings/language/readers.hpp"

namespace mappings::language {

namespace {

class Proof : public PartReader {
 public:
  using PartReader::PartReader;

  /// Rows of one segment map that share a plain array path, both ways, must be told apart (class D).
  void check_discriminators() {
    for (SegmentMap const& map : program_.segments) {
      for (std::size_t left = 0; left < map.rows.size(); ++left) {
        for (std::size_t right = left + 1; right < map.rows.size(); ++right)
          check_apart(map.rows[left], map.rows[right]);
      }
    }
  }

  void check_apart(Row const& left, Row const& right) {
    if (left.kind != Row::Kind::path || right.kind != Row::Kind::path || left.target != right.target) return;
    if (!left.reverse || !right.reverse || left.path.text != right.path.text) return;
    if (!left.v2_when.empty() || !left.fhir_when.empty() || !right.v2_when.empty() ||
        !right.fhir_when.empty())
      return;
    if (left.pair->writes_parent || right.pair->writes_parent) return;
    Line const line{right.at.file, right.at.line, "", right.at.column};
    fail(line, right.at.column, right.id,
         "writes the same element as " + left.id +
             " and nothing tells them apart; add a discriminator {...}, a guard, or join them: " +
             left.v2_text + " else " + right.v2_text);
  }
};

}  // namespace

void prove_rows(Building& on) { Proof(on).check_discriminators(); }

}  // namespace mappings::language
