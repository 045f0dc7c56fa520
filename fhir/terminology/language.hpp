/// Which languages a client wants texts in. Source: RFC 9110 section 12.5.4 (Accept-Language); RFC 4647.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fhir::terminology {

class Languages {
 public:
  Languages() = default;
  /// "de, it;q=0.5, *;q=0": best first. What cannot be read is passed over.
  explicit Languages(std::string_view list);

  bool empty() const { return tags_.empty(); }
  /// Whether texts of other languages may stand in: not when the list says *;q=0.
  bool takes_others() const { return takes_others_; }
  /// Best first, without "*".
  std::vector<std::string> const& tags() const { return tags_; }
  /// Whether a text in `language` is one of those wanted; with no wish every one is. A text of no language is
  /// not.
  bool wants(std::string_view language) const;
  std::string const& text() const { return text_; }  ///< As asked for.

 private:
  std::vector<std::string> tags_;
  std::string text_;
  bool takes_others_ = true;
};

/// Whether `language` is in the range `tag`: "de" has "de" and "de-CH".
bool in_language(std::string_view tag, std::string_view language);

}  // namespace fhir::terminology
