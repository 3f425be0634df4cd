/* SPDX-FileCopyrightText: The Ravelin Authors */
/* SPDX-License-Identifier: Apache-2.0 */

	.section .note.GNU-stack, "", %progbits
	.text

.macro FUNCTION name
	.global \name
	.type \name, %function
	.balign 16
\name:
.endm

.macro END_FUNCTION name
	.size \name, . - \name
.endm

/* Writes one character to the early UART. Clobbers \scratch and \value. */
.macro EARLY_PUT character, scratch, value
	ldr	\scratch, =RAVELIN_EARLY_UART
	mov	\value, #\character
	str	\value, [\scratch]
.endm
