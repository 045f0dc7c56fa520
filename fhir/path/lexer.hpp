/// FHIRPath's tokens. Source: FHIRPath N1, appendix B.
#pragma once

#include "fhir/path/path.hpp"

#include <string>
#include <string_view>

namespace fhir::path {

struct Token {
  enum class Kind : std::uint8_t { end, word, delimited, string, number, temporal, variable, symbol };

  Kind kind = Kind::end;
  Item::Kind temporal_kind = Item::Kind::date;
  bool has_escapes = false;  ///< `text` needs unescape()
  std::uint32_t at = 0;
  std::string_view text;  ///< without quotes, "@" or "%"

  bool is_symbol(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  /// Errors: invalid, naming the character.
  Result<Token> next();

 private:
  Result<void> skip_space();
  Result<Token> quoted(char quote, Token::Kind kind);
  Result<Token> temporal();
  Token number();
  Token word();
  std::size_t digits_from(std::size_t at) const;
  char at(std::size_t where) const { return where < text_.size() ? text_[where] : '\0'; }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// A token's text with its escapes decoded: \' \" \` \\ \/ \f \n \r \t \uXXXX. Errors: invalid.
Result<std::string> unescape(Token const& token);

}  // namespace fhir::path
