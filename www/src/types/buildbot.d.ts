// What is used of Buildbot's own packages, which are not on npm.
declare module "buildbot-plugin-support" {
  import type { ReactElement } from "react";

  export interface MenuGroup {
    name: string;
    caption: string;
    icon?: ReactElement;
    order: number | null;
    route: string;
    parentName: string | null;
  }
  export interface Route {
    route: string;
    group: string | null;
    element: () => ReactElement;
  }
  export interface Registrations {
    registerMenuGroup(group: MenuGroup): void;
    registerRoute(route: Route): void;
  }
  export function buildbotSetupPlugin(setup: (registrations: Registrations) => void): void;
}

declare module "buildbot-ui" {
  export interface TopbarItem {
    caption: string;
    route: string | null;
  }
  export function useTopbarItems(items: TopbarItem[]): void;
}
