// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
#include "hyp/vm/monitor.h"

namespace ravelin {
namespace {

constinit OwnershipLock ownership;

}  // namespace

OwnershipLock& PageOwnership() { return ownership; }

bool ResolveHostFault(Ipa ipa) {
  const auto pages = ownership.Lock();
  const auto access = pages->HostAccess(Pfn{ToGfn(ipa).raw()});
  if (access) {
    // The host's own page faults only while another CPU changes the block around it.
    return *access != stage2::HostAccessKind::kForeign;
  }
  return pages->MapHostMmio(ipa).has_value();
}

void ScrubProtectedMemory() { ownership.Lock()->ScrubForeign(); }

void ScrubForPanic() { ownership.UnlockedForPanic().ScrubForeign(); }

}  // namespace ravelin
