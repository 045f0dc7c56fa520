/// Planned writes through intake's Writer, and what came of them.
#pragma once

#include "gateway/net/asio.hpp"
#include "gateway/rest/answer.hpp"
#include "gateway/rest/context.hpp"
#include "gateway/rest/request.hpp"
#include "gateway/rest/writes.hpp"

#include <functional>
#include <string>
#include <vector>

namespace gateway::rest {

struct Committed {
  std::vector<Written> written;  ///< As many as writes, in their order.
  store::Receipt receipt;
};

/// Applies all of them in one Unit; resumes when it is on disk. `also` runs last in the Unit and may refuse
/// it.
net::asio::awaitable<fhir::Result<Committed>> commit_writes(Context const& context, Request const& request,
                                                            std::vector<Write> writes,
                                                            store::Compute also = {});

/// The answer to one create or update.
Answer answer_committed(Committed const& committed, std::size_t index, Write const& write,
                        Returning returning);

/// Runs the planning of writes: where it may take its time when they are judged in full, else at once.
net::asio::awaitable<void> run_planning(Context const& context, Request const& request,
                                        std::function<void()> plan);

/// One write alone, planned: refused, or committed and answered.
net::asio::awaitable<Answer> commit_one(Context const& context, Request const& request, Planned planned);

}  // namespace gateway::rest
