// SPDX-FileCopyrightText: The Ravelin Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/kvm/irq_checks.h"

#include <sys/eventfd.h>

#include <cerrno>

#include "tests/kvm/check.h"
#include "tests/kvm/kvm.h"

namespace ravelin::kvm {
namespace {

constexpr std::uint64_t kDistributor = 0x08000000;
constexpr std::uint32_t kNumber = 40;

int Create(const Vm& vm, std::uint32_t type, std::uint32_t flags, Fd* device = nullptr) {
  kvm_create_device request{.type = type, .fd = 0, .flags = flags};
  const int result = Ioctl(vm.fd(), KVM_CREATE_DEVICE, &request);
  if (result == 0 && device != nullptr) *device = Fd{static_cast<int>(request.fd)};
  return result;
}

int SetAddress(const Fd& device, std::uint64_t type, std::uint64_t address) {
  kvm_device_attr attribute{.flags = 0,
                            .group = KVM_DEV_ARM_VGIC_GRP_ADDR,
                            .attr = type,
                            .addr = reinterpret_cast<std::uint64_t>(&address)};
  return Ioctl(device, KVM_SET_DEVICE_ATTR, &attribute);
}

int SetNumber(const Fd& device, std::uint32_t number) {
  kvm_device_attr attribute{.flags = 0,
                            .group = KVM_DEV_ARM_VGIC_GRP_NR_IRQS,
                            .attr = 0,
                            .addr = reinterpret_cast<std::uint64_t>(&number)};
  return Ioctl(device, KVM_SET_DEVICE_ATTR, &attribute);
}

int SetLine(const Vm& vm, std::uint32_t type, std::uint32_t number) {
  kvm_irq_level line{};
  line.irq = type << KVM_ARM_IRQ_TYPE_SHIFT | number;
  return Ioctl(vm.fd(), KVM_IRQ_LINE, &line);
}

void CheckDevice() {
  Check check{"gic_device"};
  const Vm vm{Kind::kNormal};
  const Vcpu vcpu{vm.fd(), 0};
  Fd gic;
  check.Equal("a GICv2", Create(vm, KVM_DEV_TYPE_ARM_VGIC_V2, 0), -ENODEV);
  check.Equal("an ITS", Create(vm, KVM_DEV_TYPE_ARM_VGIC_ITS, KVM_CREATE_DEVICE_TEST), -ENODEV);
  check.Equal("unknown flags", Create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, 2), -EINVAL);
  check.Equal("a question", Create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, KVM_CREATE_DEVICE_TEST), 0);
  check.Equal("a line of no GIC", SetLine(vm, KVM_ARM_IRQ_TYPE_SPI, kNumber), -ENXIO);
  check.Equal("a GICv3", Create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0, &gic), 0);
  check.Equal("another one", Create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0), -EEXIST);
  check.Equal("running without addresses", vcpu.Init() == 0 ? vcpu.Run() : 0, -ENXIO);
}

void CheckAttributes() {
  Check check{"gic_attributes"};
  const Vm vm{Kind::kNormal};
  Fd gic;
  check.Equal("a GICv3", Create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0, &gic), 0);
  check.Equal("an unaligned frame",
              SetAddress(gic, KVM_VGIC_V3_ADDR_TYPE_DIST, kDistributor + 0x1000), -EINVAL);
  check.Equal("a frame beyond", SetAddress(gic, KVM_VGIC_V3_ADDR_TYPE_DIST, 1ULL << 48), -E2BIG);
  check.Equal("a frame of GICv2", SetAddress(gic, KVM_VGIC_V2_ADDR_TYPE_CPU, kDistributor),
              -ENODEV);
  check.Equal("a frame", SetAddress(gic, KVM_VGIC_V3_ADDR_TYPE_DIST, kDistributor), 0);
  check.Equal("the frame again", SetAddress(gic, KVM_VGIC_V3_ADDR_TYPE_DIST, kDistributor),
              -EEXIST);
  for (const std::uint32_t number : {0U, 32U, 65U, 1024U}) {
    check.Equal("a wrong number", SetNumber(gic, number), -EINVAL);
  }
  check.Equal("a number", SetNumber(gic, 96), 0);
  check.Equal("the number again", SetNumber(gic, 96), -EBUSY);
}

void CheckLines() {
  Check check{"irq_lines"};
  const Vm vm{Kind::kNormal};
  Fd gic;
  check.Equal("a GICv3", Create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0, &gic), 0);
  check.Equal("a line before the first run", SetLine(vm, KVM_ARM_IRQ_TYPE_SPI, kNumber), 0);
  check.Equal("a line beyond", SetLine(vm, KVM_ARM_IRQ_TYPE_SPI, 1000), -EINVAL);
  check.Equal("a private line", SetLine(vm, KVM_ARM_IRQ_TYPE_SPI, 27), -EINVAL);
  check.Equal("a PPI", SetLine(vm, KVM_ARM_IRQ_TYPE_PPI, 27), -EINVAL);
  check.Equal("a CPU's input", SetLine(vm, KVM_ARM_IRQ_TYPE_CPU, 0), -EINVAL);
}

void CheckIrqfd() {
  Check check{"irqfd"};
  const Vm vm{Kind::kNormal};
  const Fd event{::eventfd(0, EFD_CLOEXEC)};
  kvm_irqfd request{};
  const auto assign = [&](int fd, std::uint32_t flags) {
    request.fd = static_cast<std::uint32_t>(fd);
    request.flags = flags;
    return Ioctl(vm.fd(), KVM_IRQFD, &request);
  };
  check.Equal("no GIC", assign(event.get(), 0), -ENXIO);
  Fd gic;
  check.Equal("a GICv3", Create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0, &gic), 0);
  check.Equal("no file", assign(-1, 0), -EBADF);
  check.Equal("no eventfd", assign(gic.get(), 0), -EINVAL);
  check.Equal("unknown flags", assign(event.get(), 8), -EINVAL);
  check.Equal("assigning", assign(event.get(), 0), 0);
  check.Equal("assigning again", assign(event.get(), 0), -EBUSY);
  check.Equal("deassigning", assign(event.get(), KVM_IRQFD_FLAG_DEASSIGN), 0);
  check.Equal("and again", assign(event.get(), 0), 0);
  request.gsi = 1000;
  check.Equal("an interrupt beyond", assign(Fd{::eventfd(0, 0)}.get(), 0), -EINVAL);
}

void CheckIoeventfd() {
  Check check{"ioeventfd"};
  const Vm vm{Kind::kNormal};
  const Fd event{::eventfd(0, EFD_CLOEXEC)};
  const auto assign = [&](std::uint32_t length, std::uint32_t flags, std::uint64_t data = 0) {
    kvm_ioeventfd request{};
    request.datamatch = data;
    request.addr = kDevice;
    request.len = length;
    request.fd = event.get();
    request.flags = flags;
    return Ioctl(vm.fd(), KVM_IOEVENTFD, &request);
  };
  constexpr std::uint32_t kMatch = KVM_IOEVENTFD_FLAG_DATAMATCH;
  constexpr std::uint32_t kRemove = KVM_IOEVENTFD_FLAG_DEASSIGN;
  check.Equal("a wrong length", assign(3, 0), -EINVAL);
  check.Equal("a port", assign(4, KVM_IOEVENTFD_FLAG_PIO), -EINVAL);
  check.Equal("data of any length", assign(0, kMatch), -EINVAL);
  check.Equal("data", assign(4, kMatch, 1), 0);
  check.Equal("other data", assign(4, kMatch, 2), 0);
  check.Equal("the same data", assign(4, kMatch, 2), -EEXIST);
  check.Equal("any data", assign(4, 0), -EEXIST);
  check.Equal("another length", assign(8, 0), 0);
  check.Equal("removing what is not there", assign(4, kMatch | kRemove, 3), -ENOENT);
  check.Equal("removing", assign(4, kMatch | kRemove, 2), 0);
  check.Equal("removing again", assign(4, kMatch | kRemove, 2), -ENOENT);
}

}  // namespace

void CheckInterruptSetUp() {
  CheckDevice();
  CheckAttributes();
  CheckLines();
  CheckIrqfd();
  CheckIoeventfd();
}

}  // namespace ravelin::kvm
