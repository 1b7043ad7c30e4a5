import type { Me } from "./shapes";
import { useFound } from "./store";

export function useMe(): Me | undefined {
  return useFound<Me>("me").data;
}

export function useMay(action: string): boolean {
  return useMe()?.may[action] ?? false;
}
