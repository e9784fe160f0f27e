;; CRC-64/XZ without tables in the hot loop, after Chorba (https://arxiv.org/abs/2412.16398).
;; `npm run kernel` assembles it into crc64-wasm.ts.
;;
;; The sum of x^(8e) for the exponents e = 0, 907, 1723, 3234, 6241, 7026, 9016 and 10334 is a multiple of the
;; polynomial. Adding a multiple changes no remainder. So each byte of the message can be removed, if it is added
;; (XOR) to the bytes that follow it at the seven distances 10334 - e: 1318, 3308, 4093, 7100, 8611, 9427, 10334.
;; Here each byte collects these: `folded` = the byte, plus the folded bytes at the seven distances before it.
;; All distances exceed 16 bytes, so 16 bytes are folded at once. The last 10,334 bytes or more only collect.
;; A CRC by tables over these alone is the CRC of the whole message.
;;
;; Memory, in bytes:
;;      0  8 tables of 256 entries: what a byte becomes when 0 to 7 bytes follow it
;;  16384  16 zeros
;;  16400  the last bytes of the message, while the checksum is computed
;;  26864  folded bytes before the message, 10,336: 10,334 rounded up to 16
;;  37200  the message: 8 bytes of our own, then what the caller writes, up to the end of the memory
;;
;; The caller writes bytes from `begin()` on and counts. When the memory is full, `fold(end)` makes room.
(module
  (memory (export "memory") 6)

  ;; Starts a message. Returns where its first byte belongs.
  (func (export "begin") (result i32)
    (memory.fill (i32.const 26864) (i32.const 0) (i32.const 10336))
    ;; The CRC starts with all ones. These 8 bytes turn a register of zeros into that.
    (i64.store (i32.const 37200) (i64.const 0xf095ec18759f35fa))
    (i32.const 37208))

  ;; Folds the message up to `end`, but for 10,334 to 10,349 bytes, and moves these to the front. Returns their end.
  (func $fold (export "fold") (param $end i32) (result i32)
    (local $size i32)
    (local.set $size
      (i32.and (i32.sub (local.get $end) (i32.const 47534)) (i32.const -16))) ;; 37200 + 10334
    (if (i32.le_s (local.get $size) (i32.const 0)) (then (return (local.get $end))))
    (call $collect (i32.const 37200) (i32.const 26866) (local.get $size)) ;; 37200 - 10334
    (memory.copy
      (i32.const 26864)
      (i32.add (i32.const 26864) (local.get $size))
      (i32.sub (i32.sub (local.get $end) (local.get $size)) (i32.const 26864)))
    (i32.sub (local.get $end) (local.get $size)))

  ;; Adds to `size` bytes at `to`, rounded up to 16, the folded bytes before them. `from` is where the folded byte
  ;; lies that is 10,334 bytes before `to`, so that the exponents are the offsets.
  (func $collect (param $to i32) (param $from i32) (param $size i32)
    (local $stop i32)
    (local.set $stop (i32.add (local.get $to) (local.get $size)))
    (loop $next
      (v128.store (local.get $to)
        (v128.xor (v128.load (local.get $to))
        (v128.xor (v128.load offset=0 (local.get $from))
        (v128.xor (v128.load offset=907 (local.get $from))
        (v128.xor (v128.load offset=1723 (local.get $from))
        (v128.xor (v128.load offset=3234 (local.get $from))
        (v128.xor (v128.load offset=6241 (local.get $from))
        (v128.xor (v128.load offset=7026 (local.get $from))
                  (v128.load offset=9016 (local.get $from))))))))))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $to) (local.get $stop)))))

  ;; Returns the checksum of the message up to `end`. After this only `begin` may be called.
  (func (export "finish") (param $end i32) (result i64)
    (local $size i32)
    (local $crc i64)
    (local.set $size (i32.sub (call $fold (local.get $end)) (i32.const 37200)))
    ;; Zeros take the place of the last bytes, so that these collect what was folded and nothing else.
    (memory.copy (i32.const 16400) (i32.const 37200) (local.get $size))
    (memory.fill (i32.const 37200) (i32.const 0) (local.get $size))
    (call $collect (i32.const 16400) (i32.const 26866) (local.get $size))
    ;; By 8 bytes. Zeros before the first byte change nothing, so the first 8 may begin among them.
    (local.set $end (i32.add (i32.const 16400) (local.get $size)))
    (local.set $size (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8)))
    (loop $next
      (local.set $crc
        (i64.xor (local.get $crc) (i64.load (i32.sub (local.get $end) (local.get $size)))))
      (local.set $crc
        (i64.xor (i64.xor (i64.xor
          (call $entry (i32.const 14336) (local.get $crc))
          (call $entry (i32.const 12288) (i64.shr_u (local.get $crc) (i64.const 8))))
        (i64.xor
          (call $entry (i32.const 10240) (i64.shr_u (local.get $crc) (i64.const 16)))
          (call $entry (i32.const 8192) (i64.shr_u (local.get $crc) (i64.const 24)))))
        (i64.xor (i64.xor
          (call $entry (i32.const 6144) (i64.shr_u (local.get $crc) (i64.const 32)))
          (call $entry (i32.const 4096) (i64.shr_u (local.get $crc) (i64.const 40))))
        (i64.xor
          (call $entry (i32.const 2048) (i64.shr_u (local.get $crc) (i64.const 48)))
          (call $entry (i32.const 0) (i64.shr_u (local.get $crc) (i64.const 56)))))))
      (br_if $next (local.tee $size (i32.sub (local.get $size) (i32.const 8)))))
    (i64.xor (local.get $crc) (i64.const -1)))

  ;; The entry of the low byte of `value` in the table at `table`.
  (func $entry (param $table i32) (param $value i64) (result i64)
    (i64.load
      (i32.add (local.get $table)
        (i32.shl (i32.and (i32.wrap_i64 (local.get $value)) (i32.const 255)) (i32.const 3)))))

  ;; Fills the tables. The first one bit by bit; the others from the one before, by one more byte of zeros.
  (func $fill_tables
    (local $at i32)
    (local $bit i32)
    (local $value i64)
    (loop $next_entry
      (local.set $value (i64.extend_i32_u (i32.shr_u (local.get $at) (i32.const 3))))
      (local.set $bit (i32.const 8))
      (loop $next_bit
        (local.set $value
          (i64.xor
            (i64.shr_u (local.get $value) (i64.const 1))
            (i64.and
              (i64.sub (i64.const 0) (i64.and (local.get $value) (i64.const 1)))
              (i64.const 0xc96c5795d7870f42))))
        (br_if $next_bit (local.tee $bit (i32.sub (local.get $bit) (i32.const 1)))))
      (i64.store (local.get $at) (local.get $value))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next_entry (i32.lt_u (local.get $at) (i32.const 2048))))
    (loop $next_entry
      (local.set $value (i64.load (i32.sub (local.get $at) (i32.const 2048))))
      (i64.store (local.get $at)
        (i64.xor
          (i64.shr_u (local.get $value) (i64.const 8))
          (call $entry (i32.const 0) (local.get $value))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next_entry (i32.lt_u (local.get $at) (i32.const 16384)))))

  (start $fill_tables))
