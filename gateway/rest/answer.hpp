/// What an interaction answers, before it is HTTP or an entry of a response Bundle.
#pragma once

#include "fhir/result.hpp"
#include "gateway/net/http.hpp"
#include "gateway/rest/request.hpp"
#include "gateway/store/store.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::rest {

struct Answer {
  int status = 200;
  std::string body;                  ///< JSON of one resource; "" for none.
  std::string location;              ///< Below the base: "Patient/1/_history/2".
  std::int64_t version_id = 0;       ///< 0: no ETag.
  std::int64_t last_updated_ms = 0;  ///< 0: no Last-Modified.
  net::HttpHeaders headers;          ///< Allow, Retry-After ...
  std::vector<std::string>
      tasks;  ///< "Task/1": what was shown to the reader and may be a receipt (record.md section 3).
};

/// An OperationOutcome with the status its issues deserve, and Retry-After where waiting helps.
Answer refuse(fhir::Issues const& issues);
Answer refuse(fhir::Issue const& issue);
Answer answer_of(fhir::Result<Answer> result);

/// 200 with the stored bytes, ETag and Last-Modified.
Answer answer_with(store::Version version);

/// Of a write: `version` as stored, body as `returning` asks for.
Answer answer_written(store::Version version, int status, Returning returning);

std::string location_of(store::Version const& version);  ///< "Patient/1/_history/2"

/// Notes a Task among what is shown.
void note_shown(store::Version const& version, Answer& answer);

}  // namespace gateway::rest
