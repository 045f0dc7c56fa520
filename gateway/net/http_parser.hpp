/// One HTTP message out of bytes, by Beast's parser behind a checked head. Internal to net/: keeps Beast in
/// one file.
#pragma once

#include "fhir/result.hpp"
#include "gateway/net/http.hpp"
#include "gateway/net/http_head_check.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace gateway::net {

struct ParserLimits {
  std::uint64_t body_bytes = 0;
  std::uint64_t line_bytes = 0;  ///< Of a chunk header or the trailers, which no other limit covers.
};

class HttpParser {
 public:
  /// `head` has passed check_head. `bodiless`: the answer to a HEAD request, whatever its fields say.
  static fhir::Result<HttpParser> begin(HeadKind kind, std::string_view head, ParserLimits limits,
                                        bool bodiless = false);
  HttpParser(HttpParser&&) noexcept;
  HttpParser& operator=(HttpParser&&) noexcept;
  ~HttpParser();

  bool done() const;
  /// Eats what it can of `bytes` and says how much; the rest must come again with more behind it.
  /// Errors: too-long (body over the limit), structure (bad chunking, a trailer that frames or routes).
  fhir::Result<std::size_t> put(std::string_view bytes);
  /// The peer has closed: the end of a response without a length. Error incomplete where bytes are missing.
  fhir::Result<void> put_end();

  HttpHeaders& headers();
  std::string& body();

  struct Base;

 private:
  explicit HttpParser(std::unique_ptr<Base> base);
  std::unique_ptr<Base> base_;
};

}  // namespace gateway::net
