// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0
//
// The observer as a plugin of QEMU's translator (QEMU 10, plugin API 4). Instruments what EL2
// executes and nothing else: a block of instructions belongs to one exception level, which is the
// CPU's when the block is translated. All that matters goes to the Checker under one lock; accesses
// that do not matter are passed over without it.
//
// Arguments: ram=FILE (QEMU's memory-backend-file, share=on), base=ADDRESS of RAM, out=FILE for the
// report, limit=INSTRUCTIONS of a visit.
#include <fcntl.h>
#include <glib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "tests/observer/checker.h"

// QEMU's header is C, and does not say so to C++; GLib's does.
extern "C" {
#include <qemu-plugin.h>
}

int qemu_plugin_version = QEMU_PLUGIN_VERSION;

namespace ravelin::observer {
namespace {

// QEMU's RAM, mapped a second time.
class FileMemory final : public Memory {
 public:
  FileMemory(const std::string& path, Pa base) : base_(base) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status{};
    if (file < 0 || fstat(file, &status) != 0) {
      return;
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
    void* mapped = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    bytes_ = mapped == MAP_FAILED ? nullptr : static_cast<const char*>(mapped);
  }

  [[nodiscard]] bool good() const { return bytes_ != nullptr; }
  [[nodiscard]] PfnRange ram() const { return {ToPfn(base_), PageCount{size_ >> kPageShift}}; }
  [[nodiscard]] std::uint64_t Word(Pa address) const override {
    const std::uint64_t offset = address.raw() - base_.raw();
    std::uint64_t word = 0;
    if (address >= base_ && offset + sizeof(word) <= size_) {
      std::memcpy(&word, bytes_ + offset, sizeof(word));
    }
    return word;
  }

 private:
  Pa base_;
  std::uint64_t size_ = 0;
  const char* bytes_ = nullptr;
};

// What QEMU's inline operations count, for each CPU.
struct Counters {
  std::uint64_t instructions = 0;  // at EL2
  std::uint64_t inside = 0;        // whether a visit is under way
};

struct Registers {
  std::array<qemu_plugin_register*, 31> x{};
  qemu_plugin_register* cpsr = nullptr;
  qemu_plugin_register* esr = nullptr;
  qemu_plugin_register* ttbr0 = nullptr;
};

// The most that QEMU's board has.
constexpr unsigned kMaxCpus = 512;

// In the place of an instruction's word: the beginning of a block.
constexpr std::uint32_t kBlock = 0;

// An instruction travels to its callbacks as the pointer that QEMU keeps for us.
struct Site {
  Va pc;
  Instruction instruction;
};

// One for the life of the process: QEMU calls back until it ends.
struct Observer {
  std::unique_ptr<FileMemory> memory;
  std::unique_ptr<Checker> checker;
  std::mutex lock;
  Registers registers;
  std::map<std::pair<std::uint64_t, std::uint32_t>, Site> sites;  // by address and word
  qemu_plugin_scoreboard* board = nullptr;
  qemu_plugin_u64 instructions{};
  qemu_plugin_u64 inside{};
  std::array<bool, kMaxCpus> started{};  // has been at a lower EL since it was switched on
  std::array<Waiting, kMaxCpus> waiting;
  std::string out;
};

// Never destroyed: QEMU calls back after the destructors of static objects.
Observer& The() {
  static Observer* const observer = std::make_unique<Observer>().release();
  return *observer;
}

std::uint64_t ReadRegister(qemu_plugin_register* handle) {
  thread_local GByteArray* const bytes = g_byte_array_new();
  g_byte_array_set_size(bytes, 0);
  std::uint64_t value = 0;
  if (qemu_plugin_read_register(handle, bytes) > 0) {
    std::memcpy(&value, bytes->data, std::min<std::size_t>(sizeof(value), bytes->len));
  }
  return value;
}

std::uint64_t ReadX(unsigned number) {
  return number < 31 ? ReadRegister(The().registers.x[number]) : 0;
}

// Instructions of the CPU at EL2 that are not those of waiting.
std::uint64_t WorkOf(unsigned cpu) {
  return qemu_plugin_u64_get(The().instructions, cpu) - The().waiting[cpu].total();
}

const Site& SiteOf(void* data) { return *static_cast<const Site*>(data); }

Place PlaceOf(unsigned cpu, const Site& site) { return {CpuIndex{cpu}, site.pc}; }

// A walk of EL2's stage 1 (4 KiB granule, 48 bits): DC ZVA has no memory callback.
Pa Translate(std::uint64_t va) {
  const FileMemory& memory = *The().memory;
  std::uint64_t table = ReadRegister(The().registers.ttbr0);
  for (unsigned level = 0;; ++level) {
    const std::uint64_t index = va / Span(level) % kEntries;
    const Descriptor descriptor{memory.Word(RootOf(table) + index * kEntryBytes)};
    const Pa output = descriptor.output(level);
    if (!descriptor.table(level)) {
      return descriptor.valid() ? output + va % Span(level) : Pa{};
    }
    table = output.raw();
  }
}

void OnEnter(unsigned cpu, void* data) {
  Observer& self = The();
  const Site& site = SiteOf(data);
  Entry entry{.start = !self.started[cpu], .vector = site.pc.raw() & 0x7ff};
  entry.esr = ReadRegister(The().registers.esr);
  for (unsigned i = 0; i < entry.x.size(); ++i) {
    entry.x[i] = ReadX(i);
  }
  const std::uint64_t count = WorkOf(cpu);
  qemu_plugin_u64_set(self.inside, cpu, 1);
  const std::scoped_lock guard(self.lock);
  self.checker->Enter(PlaceOf(cpu, site), entry, count);
}

void OnEret(unsigned cpu, void* data) {
  Observer& self = The();
  const std::array<std::uint64_t, 2> x{ReadX(0), ReadX(1)};
  const std::uint64_t count = WorkOf(cpu);
  qemu_plugin_u64_set(self.inside, cpu, 0);
  self.started[cpu] = true;
  const std::scoped_lock guard(self.lock);
  self.checker->Leave(PlaceOf(cpu, SiteOf(data)), x, count);
}

void OnLoadAcquire(unsigned cpu, void* data) {
  Observer& self = The();
  self.waiting[cpu].Observe(SiteOf(data).pc, qemu_plugin_u64_get(self.instructions, cpu));
}

// PSCI CPU_OFF and SYSTEM_OFF end a visit without ERET; the next one begins at the CPU's start.
void OnSmc(unsigned cpu, void* /*data*/) {
  constexpr std::uint64_t kCpuOff = 0x84000002;
  if (ReadX(0) == kCpuOff) {
    qemu_plugin_u64_set(The().inside, cpu, 0);
    The().started[cpu] = false;
  }
}

void OnZeroBlock(unsigned cpu, void* data) {
  Observer& self = The();
  const Site& site = SiteOf(data);
  const Pfn page = ToPfn(Translate(ReadX(site.instruction.reg)));
  if (self.checker->IsWatched(page)) {
    const std::scoped_lock guard(self.lock);
    self.checker->Zero(PlaceOf(cpu, site), page);
  }
}

void OnSystem(unsigned cpu, void* data) {
  Observer& self = The();
  const Site& site = SiteOf(data);
  const std::uint64_t operand = ReadX(site.instruction.reg);
  const std::scoped_lock guard(self.lock);
  self.checker->Execute(PlaceOf(cpu, site), site.instruction, operand);
}

void StoreWords(Place place, Pa address, const qemu_plugin_mem_value& value) {
  Checker& checker = *The().checker;
  if (value.type == QEMU_PLUGIN_MEM_VALUE_U64 && IsAligned(address.raw(), kEntryBytes)) {
    checker.Store(place, address, value.data.u64);
  } else if (value.type == QEMU_PLUGIN_MEM_VALUE_U128 && IsAligned(address.raw(), kEntryBytes)) {
    checker.Store(place, address, value.data.u128.low);
    checker.Store(place, address + kEntryBytes, value.data.u128.high);
  } else {
    checker.Write(place, ToPfn(address));
  }
}

void OnStore(unsigned cpu, const Site& site, qemu_plugin_meminfo_t info, Pa address) {
  Observer& self = The();
  if (!self.checker->IsWatched(ToPfn(address))) {
    return;
  }
  const std::scoped_lock guard(self.lock);
  if (site.instruction.operation == Operation::kConditionalStore) {
    self.checker->Write(PlaceOf(cpu, site), ToPfn(address));
  } else {
    StoreWords(PlaceOf(cpu, site), address, qemu_plugin_mem_get_value(info));
  }
}

void OnAccess(unsigned cpu, qemu_plugin_meminfo_t info, std::uint64_t va, void* data) {
  Observer& self = The();
  const qemu_plugin_hwaddr* where = qemu_plugin_get_hwaddr(info, va);
  if (where == nullptr || qemu_plugin_hwaddr_is_io(where)) {
    return;
  }
  const Pa address{qemu_plugin_hwaddr_phys_addr(where)};
  if (qemu_plugin_mem_is_store(info)) {
    OnStore(cpu, SiteOf(data), info, address);
  } else if (self.checker->MayBeShared(ToPfn(address))) {
    const std::scoped_lock guard(self.lock);
    self.checker->Load(PlaceOf(cpu, SiteOf(data)), address,
                       std::uint64_t{1} << qemu_plugin_mem_size_shift(info));
  }
}

using Callback = void (*)(unsigned cpu, void* data);

// What runs before an instruction; null if nothing does.
Callback CallbackOf(Operation operation) {
  switch (operation) {
    case Operation::kTlbi:
    case Operation::kDsb:
    case Operation::kIsb:
    case Operation::kSetVttbr:
    case Operation::kSetVtcr:
    case Operation::kSetHcr:
    case Operation::kSetTtbr0:
      return OnSystem;
    case Operation::kZeroBlock:
      return OnZeroBlock;
    case Operation::kLoadAcquire:
      return OnLoadAcquire;
    case Operation::kSmc:
      return OnSmc;
    case Operation::kEret:
      return OnEret;
    case Operation::kConditionalStore:
    case Operation::kOther:
      return nullptr;
  }
  return nullptr;
}

// QEMU may translate an address again, and keeps the pointers of each translation.
Site* Intern(std::uint64_t pc, std::uint32_t word) {
  const std::scoped_lock guard(The().lock);
  return &The().sites.try_emplace({pc, word}, Va{pc}, Decode(word)).first->second;
}

void Instrument(qemu_plugin_insn* insn) {
  std::uint32_t word = 0;
  qemu_plugin_insn_data(insn, &word, sizeof(word));
  Site* const data = Intern(qemu_plugin_insn_vaddr(insn), word);
  const Callback callback = CallbackOf(data->instruction.operation);
  qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                      The().instructions, 1);
  if (callback != nullptr) {
    qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_R_REGS, data);
  }
  qemu_plugin_register_vcpu_mem_cb(insn, OnAccess, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                   data);
}

// PSTATE.EL, as the debugger's CPSR has it.
unsigned ExceptionLevel() {
  return static_cast<unsigned>(ReadRegister(The().registers.cpsr) >> 2 & 3);
}

void OnTranslate(qemu_plugin_id_t /*id*/, qemu_plugin_tb* block) {
  if (ExceptionLevel() != 2) {
    return;
  }
  Site* const first = Intern(qemu_plugin_tb_vaddr(block), kBlock);
  qemu_plugin_register_vcpu_tb_exec_cond_cb(block, OnEnter, QEMU_PLUGIN_CB_R_REGS,
                                            QEMU_PLUGIN_COND_EQ, The().inside, 0, first);
  for (std::size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
    Instrument(qemu_plugin_tb_get_insn(block, i));
  }
}

// The same handles on every CPU.
void OnCpu(qemu_plugin_id_t /*id*/, unsigned cpu) {
  if (cpu != 0) {
    return;
  }
  Registers& registers = The().registers;
  std::map<std::string, qemu_plugin_register*, std::less<>> handles;
  GArray* list = qemu_plugin_get_registers();
  for (unsigned i = 0; i < list->len; ++i) {
    const auto& descriptor = g_array_index(list, qemu_plugin_reg_descriptor, i);
    handles[descriptor.name] = descriptor.handle;
  }
  g_array_free(list, 1);
  for (unsigned i = 0; i < registers.x.size(); ++i) {
    registers.x[i] = handles["x" + std::to_string(i)];
  }
  registers.cpsr = handles["cpsr"];
  registers.esr = handles["ESR_EL2"];
  registers.ttbr0 = handles["TTBR0_EL2"];
}

void OnExit(qemu_plugin_id_t /*id*/, void* /*data*/) {
  Observer& self = The();
  const std::scoped_lock guard(self.lock);
  std::ofstream out(self.out);
  self.checker->Print(out);
  const auto executed = std::ranges::count_if(
      self.sites, [](const auto& entry) { return entry.first.second != kBlock; });
  out << "figure el2_instructions_seen " << executed << "\nend\n";
}

std::map<std::string, std::string, std::less<>> Arguments(int count, char** words) {
  std::map<std::string, std::string, std::less<>> arguments;
  for (int i = 0; i < count; ++i) {
    const std::string_view word = words[i];
    const std::size_t equals = word.find('=');
    if (equals != std::string_view::npos) {
      arguments[std::string(word.substr(0, equals))] = word.substr(equals + 1);
    }
  }
  return arguments;
}

bool Install(qemu_plugin_id_t id, int count, char** words) {
  Observer& self = The();
  auto arguments = Arguments(count, words);
  const Pa base{std::strtoull(arguments["base"].c_str(), nullptr, 0)};
  self.memory = std::make_unique<FileMemory>(arguments["ram"], base);
  self.out = arguments["out"];
  if (!self.memory->good() || self.out.empty()) {
    std::fputs("observer: needs ram=FILE, base=ADDRESS, out=FILE, limit=N\n", stderr);
    return false;
  }
  const std::uint64_t limit = std::strtoull(arguments["limit"].c_str(), nullptr, 0);
  self.checker =
      std::make_unique<Checker>(*self.memory, Checker::Limits{self.memory->ram(), limit});
  self.board = qemu_plugin_scoreboard_new(sizeof(Counters));
  self.instructions = {self.board, offsetof(Counters, instructions)};
  self.inside = {self.board, offsetof(Counters, inside)};
  qemu_plugin_register_vcpu_init_cb(id, OnCpu);
  qemu_plugin_register_vcpu_tb_trans_cb(id, OnTranslate);
  qemu_plugin_register_atexit_cb(id, OnExit, nullptr);
  return true;
}

}  // namespace
}  // namespace ravelin::observer

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* /*info*/, int argc, char** argv) {
  return ravelin::observer::Install(id, argc, argv) ? 0 : 1;
}
