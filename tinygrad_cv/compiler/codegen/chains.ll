; A step of chains: {count of chains, then for each: steps, piece, kernels, then each kernel's function and buffers}.
; This part's share of a chain's steps goes through all its kernels piece by piece. Each is told where the share begins.
define void @tg_chains(ptr %args, i64 %part, i64 %parts) {
entry:
  %chains = load i64, ptr %args, align 8
  br label %next_chain
next_chain:
  %chain = phi i64 [0, %entry], [%chain1, %chain_done]
  %place = phi i64 [1, %entry], [%after, %chain_done]
  %more = icmp slt i64 %chain, %chains
  br i1 %more, label %a_chain, label %done
a_chain:
  %head = getelementptr i64, ptr %args, i64 %place
  %steps = load i64, ptr %head, align 8
  %piece_at = getelementptr i64, ptr %head, i64 1
  %piece = load i64, ptr %piece_at, align 8
  %kernels_at = getelementptr i64, ptr %head, i64 2
  %kernels = load i64, ptr %kernels_at, align 8
  %words = shl i64 %kernels, 1
  %size = add i64 %words, 3
  %after = add i64 %place, %size
  %chain1 = add i64 %chain, 1
  %scaled = mul i64 %steps, %part
  %low = sdiv i64 %scaled, %parts
  %part1 = add i64 %part, 1
  %scaled1 = mul i64 %steps, %part1
  %high = sdiv i64 %scaled1, %parts
  br label %next_piece
next_piece:
  %from = phi i64 [%low, %a_chain], [%to, %piece_done]
  %left = icmp slt i64 %from, %high
  br i1 %left, label %a_piece, label %chain_done
a_piece:
  %beyond = add i64 %from, %piece
  %short = icmp slt i64 %beyond, %high
  %to = select i1 %short, i64 %beyond, i64 %high
  br label %next_kernel
next_kernel:
  %kernel = phi i64 [0, %a_piece], [%kernel1, %a_kernel]
  %some = icmp slt i64 %kernel, %kernels
  br i1 %some, label %a_kernel, label %piece_done
a_kernel:
  %twice = shl i64 %kernel, 1
  %word = add i64 %twice, 3
  %function_at = getelementptr i64, ptr %head, i64 %word
  %function = load ptr, ptr %function_at, align 8
  %buffers_at = getelementptr i64, ptr %function_at, i64 1
  %buffers = load ptr, ptr %buffers_at, align 8
  call void %function(ptr %buffers, i64 %from, i64 %to, i64 %low)
  %kernel1 = add i64 %kernel, 1
  br label %next_kernel
piece_done:
  br label %next_piece
chain_done:
  br label %next_chain
done:
  ret void
}
