"""Plan to LLVM text: a function for each loop nest, vector mathematics, modules."""
